//! Which sibling is which: spans are given to the nodes of the contract so that
//! the whole costs least. A minimum-cost flow, one span a unit; greedy choices
//! would call a trace wrong that another assignment satisfies.

use std::collections::VecDeque;

/// The costs of giving `spans` to `nodes`.
#[derive(Debug)]
pub(super) struct Costs {
    /// By span and node: what differs between them; `None` when they never pair.
    pub(super) pair: Vec<Vec<Option<i64>>>,
    /// By span: what it costs to leave it over.
    pub(super) extra: Vec<i64>,
    /// By node: what it costs to miss one of those that must be there.
    pub(super) missing: Vec<i64>,
    /// By node: how many must and how many may be there.
    pub(super) times: Vec<(usize, usize)>,
}

/// An assignment of least cost.
pub(super) struct Assignment {
    /// By span: its node, or `None` when it is left over.
    pub(super) node_of: Vec<Option<usize>>,
    /// What it costs.
    pub(super) cost: i64,
}

/// Finds an assignment of least cost; the same for the same costs.
pub(super) fn assign(costs: &Costs) -> Assignment {
    let (spans, nodes) = (costs.extra.len(), costs.missing.len());
    let mut flow = Flow::new(spans + nodes + 3);
    let (source, sink, left_over) = (spans + nodes, spans + nodes + 1, spans + nodes + 2);
    for span in 0..spans {
        flow.edge(source, span, 1, 0);
        for (node, pair) in costs.pair[span].iter().enumerate() {
            if let Some(cost) = pair {
                flow.edge(span, spans + node, 1, *cost);
            }
        }
        flow.edge(span, left_over, 1, costs.extra[span]);
    }
    flow.edge(left_over, sink, spans, 0);
    for (node, (min, max)) in costs.times.iter().enumerate() {
        // To fill what must be there saves what missing it would cost.
        flow.edge(spans + node, sink, *min, -costs.missing[node]);
        flow.edge(spans + node, sink, max - min, 0);
    }
    for _ in 0..spans {
        flow.send_one(source, sink);
    }
    let all_missing: i64 = costs
        .times
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
            .map(|span| flow.used_from(span).and_then(|to| to.checked_sub(spans)))
            .map(|node| node.filter(|node| *node < nodes))
            .collect(),
        cost: all_missing.saturating_add(flow.cost),
    }
}

struct Flow {
    edges: Vec<Edge>,
    /// By vertex: its edges, in the order in which they were added.
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

    /// Adds an edge, and beside it (at the odd place) the one that takes it back.
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

    /// Sends one unit along the cheapest path.
    fn send_one(&mut self, source: usize, sink: usize) {
        let mut distance = vec![i64::MAX; self.from.len()];
        let mut by_edge = vec![usize::MAX; self.from.len()];
        let mut waiting = VecDeque::from([source]);
        let mut is_waiting = vec![false; self.from.len()];
        distance[source] = 0;
        while let Some(vertex) = waiting.pop_front() {
            is_waiting[vertex] = false;
            for &place in &self.from[vertex] {
                let edge = &self.edges[place];
                let reached = distance[vertex] + edge.cost;
                if edge.capacity == 0 || reached >= distance[edge.to] {
                    continue;
                }
                distance[edge.to] = reached;
                by_edge[edge.to] = place;
                if !is_waiting[edge.to] {
                    is_waiting[edge.to] = true;
                    waiting.push_back(edge.to);
                }
            }
        }
        let mut vertex = sink;
        while vertex != source {
            let place = by_edge[vertex];
            self.edges[place].capacity -= 1;
            self.edges[place ^ 1].capacity += 1;
            vertex = self.edges[place ^ 1].to;
        }
        self.cost += distance[sink];
    }

    /// Where the unit that came to `vertex` went.
    fn used_from(&self, vertex: usize) -> Option<usize> {
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

    fn cost_of(pair: &[&[Option<i64>]], times: &[(usize, usize)]) -> Assignment {
        assign(&Costs {
            pair: pair.iter().map(|row| row.to_vec()).collect(),
            extra: vec![100; pair.len()],
            missing: vec![100; times.len()],
            times: times.to_vec(),
        })
    }

    #[test]
    fn a_greedy_choice_is_taken_back() {
        // The first span fits both nodes, the second only the first.
        let found = cost_of(&[&[Some(0), Some(0)], &[Some(0), None]], &[(1, 1), (1, 1)]);
        assert_eq!(found.node_of, [Some(1), Some(0)]);
        assert_eq!(found.cost, 0);
    }

    #[test]
    fn what_must_be_there_comes_before_what_may() {
        // Two spans fit both; the optional node must not take both.
        let row: &[Option<i64>] = &[Some(0), Some(0)];
        let found = cost_of(&[row, row], &[(0, 2), (1, 1)]);
        assert_eq!(found.cost, 0);
        assert_eq!(found.node_of.iter().filter(|it| **it == Some(1)).count(), 1);
    }

    #[test]
    fn too_many_and_too_few_cost() {
        let row: &[Option<i64>] = &[Some(0)];
        assert_eq!(cost_of(&[row; 4], &[(1, 3)]).cost, 100);
        assert_eq!(cost_of(&[row; 1], &[(3, 3)]).cost, 200);
        assert_eq!(cost_of(&[], &[(1, 1)]).cost, 100);
        assert_eq!(cost_of(&[&[]], &[]).cost, 100);
    }

    /// The least cost, found by trying everything.
    fn by_trial(costs: &Costs, span: usize, given: &mut Vec<usize>) -> i64 {
        if span == costs.extra.len() {
            return (0..costs.missing.len())
                .map(|node| {
                    let least = costs.times[node].0.saturating_sub(given[node]);
                    i64::try_from(least).expect("few") * costs.missing[node]
                })
                .sum();
        }
        let mut least = costs.extra[span] + by_trial(costs, span + 1, given);
        for node in 0..costs.missing.len() {
            if let Some(cost) = costs.pair[span][node]
                && given[node] < costs.times[node].1
            {
                given[node] += 1;
                least = least.min(cost + by_trial(costs, span + 1, given));
                given[node] -= 1;
            }
        }
        least
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
                .prop_map(|(pair, extra, missing, times)| Costs {
                    pair,
                    extra,
                    missing,
                    times: times.iter().map(|(min, more)| (*min, min + more)).collect(),
                })
        })
    }

    proptest! {
        #[test]
        fn nothing_costs_less(costs in costs()) {
            let found = assign(&costs);
            let mut given = vec![0; costs.missing.len()];
            prop_assert_eq!(found.cost, by_trial(&costs, 0, &mut given));
            let mut told = 0;
            for (span, node) in found.node_of.iter().enumerate() {
                told += match node {
                    None => costs.extra[span],
                    Some(node) => {
                        given[*node] += 1;
                        costs.pair[span][*node].expect("a pair that may be")
                    }
                };
            }
            for (node, given) in given.iter().enumerate() {
                let (min, max) = costs.times[node];
                prop_assert!(*given <= max);
                told += i64::try_from(min.saturating_sub(*given)).expect("few") * costs.missing[node];
            }
            prop_assert_eq!(told, found.cost, "the assignment costs what it says");
        }
    }
}
