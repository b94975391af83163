//! Assigns sibling spans to the nodes of the contract at the lowest total cost.
//!
//! This is a minimum-cost flow with one unit per span. A greedy choice would reject
//! traces that another assignment satisfies.

use std::collections::VecDeque;

/// The costs of assigning spans to nodes.
#[derive(Debug)]
pub(super) struct Costs {
    /// By span and node: the cost of pairing them; `None` if they must not be paired.
    pub(super) pair: Vec<Vec<Option<i64>>>,
    /// By span: the cost of assigning it to no node.
    pub(super) extra: Vec<i64>,
    /// By node: the cost of each required span that is missing.
    pub(super) missing: Vec<i64>,
    /// By node: the minimum and maximum number of spans.
    pub(super) occurrences: Vec<(usize, usize)>,
}

/// An assignment with the lowest total cost.
pub(super) struct Assignment {
    /// By span: its node; `None` if it is assigned to no node.
    pub(super) node_of: Vec<Option<usize>>,
    /// The total cost.
    pub(super) cost: i64,
}

/// Finds an assignment with the lowest total cost. Deterministic.
pub(super) fn assign(costs: &Costs) -> Assignment {
    let (spans, nodes) = (costs.extra.len(), costs.missing.len());
    let mut flow = Flow::new(spans + nodes + 3);
    let (source, sink, unassigned) = (spans + nodes, spans + nodes + 1, spans + nodes + 2);
    for span in 0..spans {
        flow.edge(source, span, 1, 0);
        for (node, pair) in costs.pair[span].iter().enumerate() {
            if let Some(cost) = pair {
                flow.edge(span, spans + node, 1, *cost);
            }
        }
        flow.edge(span, unassigned, 1, costs.extra[span]);
    }
    flow.edge(unassigned, sink, spans, 0);
    for (node, (min, max)) in costs.occurrences.iter().enumerate() {
        // Each required span that is found saves the cost of a missing one.
        flow.edge(spans + node, sink, *min, -costs.missing[node]);
        flow.edge(spans + node, sink, max - min, 0);
    }
    for _ in 0..spans {
        flow.send_one(source, sink);
    }
    let all_missing: i64 = costs
        .occurrences
        .iter()
        .zip(&costs.missing)
        .map(|((min, _), cost)| {
            i64::try_from(*min)
                .unwrap_or(i64::MAX)
                .saturating_mul(*cost)
        })
        .fold(0, i64::saturating_add);
    Assignment {
        node_of: (0..spans)
            .map(|span| flow.target_of(span).and_then(|to| to.checked_sub(spans)))
            .map(|node| node.filter(|node| *node < nodes))
            .collect(),
        cost: all_missing.saturating_add(flow.cost),
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

    /// Sends one unit along the cheapest path (found by the queue-based Bellman-Ford
    /// algorithm, because costs may be negative).
    fn send_one(&mut self, source: usize, sink: usize) {
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
        let mut vertex = sink;
        while vertex != source {
            let place = reached_by[vertex];
            self.edges[place].capacity -= 1;
            self.edges[place ^ 1].capacity += 1;
            vertex = self.edges[place ^ 1].to;
        }
        self.cost += distance[sink];
    }

    /// The vertex that received the unit of flow from `vertex`.
    fn target_of(&self, vertex: usize) -> Option<usize> {
        self.from[vertex]
            .iter()
            .filter(|place| *place % 2 == 0)
            .map(|place| &self.edges[*place])
            .find(|edge| edge.capacity == 0)
            .map(|edge| edge.to)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assigned(pair: &[&[Option<i64>]], occurrences: &[(usize, usize)]) -> Assignment {
        assign(&Costs {
            pair: pair.iter().map(|row| row.to_vec()).collect(),
            extra: vec![100; pair.len()],
            missing: vec![100; occurrences.len()],
            occurrences: occurrences.to_vec(),
        })
    }

    #[test]
    fn an_early_choice_is_revised() {
        // The first span fits both nodes, the second only the first.
        let found = assigned(&[&[Some(0), Some(0)], &[Some(0), None]], &[(1, 1), (1, 1)]);
        assert_eq!(found.node_of, [Some(1), Some(0)]);
        assert_eq!(found.cost, 0);
    }

    #[test]
    fn required_spans_take_precedence_over_optional_ones() {
        // Both spans fit both nodes; the optional node must not take both.
        let row: &[Option<i64>] = &[Some(0), Some(0)];
        let found = assigned(&[row, row], &[(0, 2), (1, 1)]);
        assert_eq!(found.cost, 0);
        assert_eq!(found.node_of.iter().filter(|it| **it == Some(1)).count(), 1);
    }

    #[test]
    fn extra_and_missing_spans_have_a_cost() {
        let row: &[Option<i64>] = &[Some(0)];
        assert_eq!(assigned(&[row; 4], &[(1, 3)]).cost, 100);
        assert_eq!(assigned(&[row; 1], &[(3, 3)]).cost, 200);
        assert_eq!(assigned(&[], &[(1, 1)]).cost, 100);
        assert_eq!(assigned(&[&[]], &[]).cost, 100);
    }

    /// The lowest cost, found by trying every assignment.
    fn brute_force(costs: &Costs, span: usize, counts: &mut Vec<usize>) -> i64 {
        if span == costs.extra.len() {
            return (0..costs.missing.len())
                .map(|node| {
                    let missing = costs.occurrences[node].0.saturating_sub(counts[node]);
                    i64::try_from(missing).expect("few") * costs.missing[node]
                })
                .sum();
        }
        let mut lowest = costs.extra[span] + brute_force(costs, span + 1, counts);
        for node in 0..costs.missing.len() {
            if let Some(cost) = costs.pair[span][node]
                && counts[node] < costs.occurrences[node].1
            {
                counts[node] += 1;
                lowest = lowest.min(cost + brute_force(costs, span + 1, counts));
                counts[node] -= 1;
            }
        }
        lowest
    }

    fn costs() -> impl Strategy<Value = Costs> {
        (0..6_usize, 0..4_usize).prop_flat_map(|(spans, nodes)| {
            let row = prop::collection::vec(prop::option::of(0..20_i64), nodes);
            (
                prop::collection::vec(row, spans),
                prop::collection::vec(0..20_i64, spans),
                prop::collection::vec(1..20_i64, nodes),
                prop::collection::vec((0..3_usize, 1..3_usize), nodes),
            )
                .prop_map(|(pair, extra, missing, occurrences)| Costs {
                    pair,
                    extra,
                    missing,
                    occurrences: occurrences
                        .iter()
                        .map(|(min, more)| (*min, min + more))
                        .collect(),
                })
        })
    }

    proptest! {
        #[test]
        fn no_assignment_costs_less(costs in costs()) {
            let found = assign(&costs);
            let mut counts = vec![0; costs.missing.len()];
            prop_assert_eq!(found.cost, brute_force(&costs, 0, &mut counts));
            let mut total = 0;
            for (span, node) in found.node_of.iter().enumerate() {
                total += match node {
                    None => costs.extra[span],
                    Some(node) => {
                        counts[*node] += 1;
                        costs.pair[span][*node].expect("an allowed pair")
                    }
                };
            }
            for (node, counts) in counts.iter().enumerate() {
                let (min, max) = costs.occurrences[node];
                prop_assert!(*counts <= max);
                total += i64::try_from(min.saturating_sub(*counts)).expect("few") * costs.missing[node];
            }
            prop_assert_eq!(total, found.cost, "the assignment has the cost that it reports");
        }
    }
}
