# Sums up the measurements of one scenario in one mode: {side, iops, beside, p50, p99, cpu} of each round.
# Arguments: mode, scenario, what, metric (iops or p99), bar.

def ours: startswith("scheduler/");
def alone: startswith("fio/");

# The middle one, or the mean of the middle two.
def median: sort | (.[((length - 1) / 2) | floor] + .[(length / 2) | floor]) / 2;
def spread: if any(. == null) then null else {median: median, min: min, max: max, rounds: .} end;

. as $all
# For each round what the best peer reached in it.
| [$all | map(select(.side | (ours or alone) | not)) | group_by(.side) | map(map(.[$metric])) | transpose[]
    | if $metric == "p99" then min else max end] as $best
| {
    mode: $mode, scenario: $scenario, what: $what, metric: $metric, bar: $bar,
    sides: [
      reduce $all[].side as $side ([]; if index([$side]) then . else . + [$side] end) | .[] as $side
      | [$all[] | select(.side == $side)] as $rounds
      | {side: $side}
        + ({iops: "iops", beside: "beside", p50: "p50", p99: "p99", cpu: "cpu"}
            | map_values(. as $key | $rounds | map(.[$key]) | spread))
      | if $side | ours
        then .ratio = ([[$rounds | map(.[$metric]), $best] | transpose[] | if .[1] > 0 then .[0] / .[1] else 0 end] | spread)
          | .met = (if $metric == "p99" then .ratio.median <= $bar else .ratio.median >= $bar end)
        else . end
    ]
  }
