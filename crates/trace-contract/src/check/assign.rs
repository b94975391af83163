//! Assigns sibling spans to the nodes of the contract at the lowest total cost.
//!
//! This is a minimum-cost flow. A greedy choice would reject traces that another
//! assignment satisfies. Equal spans, and equal nodes, are one vertex with a count.

use std::collections::VecDeque;

/// The costs of assigning groups of equal spans to groups of equal nodes.
#[derive(Debug, Default)]
pub(super) struct Costs {
    /// The allowed pairs: the group of spans, the group of nodes, and the cost per span.
    pub(super) pairs: Vec<(usize, usize, i64)>,
    pub(super) spans: Vec<SpanGroup>,
    pub(super) nodes: Vec<NodeGroup>,
}

/// Equal spans.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpanGroup {
    pub(super) count: usize,
    /// The cost of assigning one of them to no node.
    pub(super) extra: i64,
}

/// Equal nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeGroup {
    /// The number of required spans.
    pub(super) min: usize,
    pub(super) max: usize,
    /// The cost of each required span that is missing.
    pub(super) missing: i64,
}

/// An assignment with the lowest total cost.
pub(super) struct Assignment {
    /// For each of [`Costs::pairs`]: how many spans are assigned.
    pub(super) assigned: Vec<usize>,
    /// The total cost.
    pub(super) cost: i64,
}

/// Finds an assignment with the lowest total cost. Deterministic.
pub(super) fn assign(costs: &Costs) -> Assignment {
    let (spans, nodes) = (costs.spans.len(), costs.nodes.len());
    let mut flow = Flow::new(spans + nodes + 3);
    let (source, sink, unassigned) = (spans + nodes, spans + nodes + 1, spans + nodes + 2);
    let mut all = 0;
    for (span, node, cost) in &costs.pairs {
        let capacity = costs.spans[*span].count;
        flow.edge(*span, spans + node, capacity, *cost);
    }
    for (place, group) in costs.spans.iter().enumerate() {
        flow.edge(source, place, group.count, 0);
        flow.edge(place, unassigned, group.count, group.extra);
        all += group.count;
    }
    flow.edge(unassigned, sink, all, 0);
    let mut cost = 0_i64;
    for (place, group) in costs.nodes.iter().enumerate() {
        // Each required span that is found saves the cost of a missing one.
        flow.edge(spans + place, sink, group.min, -group.missing);
        flow.edge(spans + place, sink, group.max - group.min, 0);
        let min = i64::try_from(group.min).unwrap_or(i64::MAX);
        cost = cost.saturating_add(min.saturating_mul(group.missing));
    }
    while all > 0 {
        all -= flow.send(source, sink);
    }
    Assignment {
        assigned: (0..costs.pairs.len())
            .map(|pair| flow.edges[2 * pair + 1].capacity)
            .collect(),
        cost: cost.saturating_add(flow.cost),
    }
}

struct Flow {
    edges: Vec<Edge>,
    /// By vertex: the indexes of its edges, in the order in which they were added.
    from: Vec<Vec<usize>>,
    cost: i64,
}

struct Edge {
    to: usize,
    capacity: usize,
    cost: i64,
}

impl Flow {
    fn new(vertices: usize) -> Self {
        Self {
            edges: Vec::new(),
            from: vec![Vec::new(); vertices],
            cost: 0,
        }
    }

    /// Adds an edge at an even index, and its reverse at the next index.
    fn edge(&mut self, from: usize, to: usize, capacity: usize, cost: i64) {
        self.from[from].push(self.edges.len());
        self.edges.push(Edge { to, capacity, cost });
        self.from[to].push(self.edges.len());
        self.edges.push(Edge {
            to: from,
            capacity: 0,
            cost: -cost,
        });
    }

    /// Sends as much as possible along the cheapest path (found by the queue-based
    /// Bellman-Ford algorithm, because costs may be negative), and returns how much.
    fn send(&mut self, source: usize, sink: usize) -> usize {
        let mut distance = vec![i64::MAX; self.from.len()];
        let mut reached_by = vec![usize::MAX; self.from.len()];
        let mut queue = VecDeque::from([source]);
        let mut is_queued = vec![false; self.from.len()];
        distance[source] = 0;
        while let Some(vertex) = queue.pop_front() {
            is_queued[vertex] = false;
            for &place in &self.from[vertex] {
                let edge = &self.edges[place];
                let reached = distance[vertex] + edge.cost;
                if edge.capacity == 0 || reached >= distance[edge.to] {
                    continue;
                }
                distance[edge.to] = reached;
                reached_by[edge.to] = place;
                if !is_queued[edge.to] {
                    is_queued[edge.to] = true;
                    queue.push_back(edge.to);
                }
            }
        }
        let mut path = Vec::new();
        let mut vertex = sink;
        while vertex != source {
            path.push(reached_by[vertex]);
            vertex = self.edges[reached_by[vertex] ^ 1].to;
        }
        let capacities = path.iter().map(|place| self.edges[*place].capacity);
        // Every span can be assigned to no node, so there is a path.
        let amount = capacities.min().unwrap_or(0);
        for place in path {
            self.edges[place].capacity -= amount;
            self.edges[place ^ 1].capacity += amount;
        }
        let amount_cost = i64::try_from(amount).unwrap_or(i64::MAX);
        let amount_cost = distance[sink].saturating_mul(amount_cost);
        self.cost = self.cost.saturating_add(amount_cost);
        amount
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn costs(rows: &[&[Option<i64>]], counts: &[usize], occurrences: &[(usize, usize)]) -> Costs {
        let pairs = rows.iter().enumerate().flat_map(|(span, row)| {
            let row = row.iter().enumerate();
            row.filter_map(move |(node, cost)| cost.map(|cost| (span, node, cost)))
        });
        Costs {
            pairs: pairs.collect(),
            spans: counts
                .iter()
                .map(|count| SpanGroup {
                    count: *count,
                    extra: 100,
                })
                .collect(),
            nodes: occurrences
                .iter()
                .map(|(min, max)| NodeGroup {
                    min: *min,
                    max: *max,
                    missing: 100,
                })
                .collect(),
        }
    }

    #[test]
    fn an_early_choice_is_revised() {
        // The first span fits both nodes, the second only the first.
        let rows: [&[Option<i64>]; 2] = [&[Some(0), Some(0)], &[Some(0), None]];
        let found = assign(&costs(&rows, &[1, 1], &[(1, 1), (1, 1)]));
        assert_eq!(found.assigned, [0, 1, 1]);
        assert_eq!(found.cost, 0);
    }

    #[test]
    fn required_spans_take_precedence_over_optional_ones() {
        // Both spans fit both nodes; the optional node must not take both.
        let found = assign(&costs(&[&[Some(0), Some(0)]], &[2], &[(0, 2), (1, 1)]));
        assert_eq!((found.cost, found.assigned[1]), (0, 1));
    }

    #[test]
    fn extra_and_missing_spans_have_a_cost() {
        let row: &[Option<i64>] = &[Some(0)];
        assert_eq!(assign(&costs(&[row], &[4], &[(1, 3)])).cost, 100);
        assert_eq!(assign(&costs(&[row], &[1], &[(3, 3)])).cost, 200);
        assert_eq!(assign(&costs(&[], &[], &[(1, 1)])).cost, 100);
        assert_eq!(assign(&costs(&[&[]], &[1], &[])).cost, 100);
    }

    /// The lowest cost, found by trying every assignment of the spans one by one.
    fn brute_force(costs: &Costs, spans: &[usize], counts: &mut Vec<usize>) -> i64 {
        let Some((span, rest)) = spans.split_first() else {
            let missing = |(node, count): (&NodeGroup, &usize)| {
                let missing = node.min.saturating_sub(*count);
                i64::try_from(missing).expect("few") * node.missing
            };
            return costs.nodes.iter().zip(counts.iter()).map(missing).sum();
        };
        let mut lowest = costs.spans[*span].extra + brute_force(costs, rest, counts);
        for (_, node, cost) in costs.pairs.iter().filter(|pair| pair.0 == *span) {
            if counts[*node] < costs.nodes[*node].max {
                counts[*node] += 1;
                lowest = lowest.min(cost + brute_force(costs, rest, counts));
                counts[*node] -= 1;
            }
        }
        lowest
    }

    fn any_costs() -> impl Strategy<Value = Costs> {
        (0..4_usize, 0..4_usize).prop_flat_map(|(spans, nodes)| {
            let row = prop::collection::vec(prop::option::of(0..20_i64), nodes);
            (
                prop::collection::vec(row, spans),
                prop::collection::vec((1..3_usize, 0..20_i64), spans),
                prop::collection::vec((0..3_usize, 1..3_usize, 1..20_i64), nodes),
            )
                .prop_map(|(rows, spans, nodes)| {
                    let rows: Vec<&[Option<i64>]> = rows.iter().map(Vec::as_slice).collect();
                    Costs {
                        pairs: costs(&rows, &[], &[]).pairs,
                        spans: spans
                            .iter()
                            .map(|(count, extra)| SpanGroup {
                                count: *count,
                                extra: *extra,
                            })
                            .collect(),
                        nodes: nodes
                            .iter()
                            .map(|(min, more, missing)| NodeGroup {
                                min: *min,
                                max: min + more,
                                missing: *missing,
                            })
                            .collect(),
                    }
                })
        })
    }

    proptest! {
        #[test]
        fn no_assignment_costs_less(costs in any_costs()) {
            let found = assign(&costs);
            let each: Vec<usize> = costs.spans.iter().enumerate()
                .flat_map(|(place, group)| vec![place; group.count])
                .collect();
            let mut counts = vec![0; costs.nodes.len()];
            prop_assert_eq!(found.cost, brute_force(&costs, &each, &mut counts));
            let mut total = 0;
            let mut left: Vec<usize> = costs.spans.iter().map(|group| group.count).collect();
            for ((span, node, cost), assigned) in costs.pairs.iter().zip(&found.assigned) {
                total += cost * i64::try_from(*assigned).expect("few");
                left[*span] -= assigned;
                counts[*node] += assigned;
            }
            for (group, left) in costs.spans.iter().zip(left) {
                total += group.extra * i64::try_from(left).expect("few");
            }
            for (group, count) in costs.nodes.iter().zip(counts) {
                prop_assert!(count <= group.max);
                total += group.missing * i64::try_from(group.min.saturating_sub(count)).expect("few");
            }
            prop_assert_eq!(total, found.cost, "the assignment has the cost that it reports");
        }
    }
}
