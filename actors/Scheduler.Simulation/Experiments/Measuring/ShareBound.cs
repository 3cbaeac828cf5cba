// Q2: guests that are backlogged throughout an interval, and neither served by reservation nor held by a limit, have
// |Wf/wf - Wg/wg| <= (D+1)(cf/wf + cg/wg) in charged cost. Over all intervals in which both are backlogged the largest
// difference is the distance between the largest and the smallest value of Wf/wf - Wg/wg. It is looked at whenever one of
// the two sends something to the device. Guests with plain reads and writes are judged: what discards and durable writes
// cost is known only afterwards.
using Scheduler.Actors;
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>How much of the bound of fair shares a run uses.</summary>
internal sealed class ShareBound
{
    private const int GuestsMax = 64;

    private readonly IReadOnlyList<ExperimentGroup> _guests;

    /// <summary>Which guests are judged, and where a guest is among them, or -1.</summary>
    private readonly int[] _judged;
    private readonly int[] _place;
    private readonly double[] _weighted;

    /// <summary>Whether a guest has been backlogged since it was looked at last.</summary>
    private readonly bool[] _backlogged;
    private readonly Pair[] _pairs;
    private VolumeStatus? _status;

    /// <summary>Chooses the guests that are judged: at most 64, evenly over all that can be.</summary>
    public ShareBound(IReadOnlyList<ExperimentGroup> guests)
    {
        _guests = guests;
        int[] all = [.. Enumerable.Range(0, guests.Count).Where(guest => CanBeJudged(guests[guest]))];
        int count = Math.Min(all.Length, GuestsMax);
        _judged = [.. Enumerable.Range(0, count).Select(i => all[(int)((long)i * all.Length / count)])];
        _place = new int[guests.Count];
        Array.Fill(_place, -1);
        for (int i = 0; i < count; i++)
            _place[_judged[i]] = i;
        _weighted = new double[count];
        _backlogged = new bool[count];
        _pairs = new Pair[count * count];
    }

    /// <summary>From now on it counts.</summary>
    public void Begin(VolumeStatus status) => _status = status;

    /// <summary>A guest sent something to the device.</summary>
    /// <param name="guest">The guest.</param>
    /// <param name="backlogged">Whether it has been backlogged since it did so before.</param>
    public void Moved(int guest, bool backlogged)
    {
        int place = _place[guest];
        if (place < 0 || _status is null)
            return;
        bool goesOn = backlogged && _backlogged[place];
        _backlogged[place] = backlogged;
        if (!backlogged)
            return;
        _weighted[place] = _status.DeviceTimeSeconds(guest) * 1e9 / WeightOf(guest);
        for (int other = 0; other < _judged.Length; other++)
        {
            if (other == place || !_backlogged[other])
                continue;
            ref Pair pair = ref _pairs[place < other ? (place * _judged.Length) + other : (other * _judged.Length) + place];
            double difference = place < other ? _weighted[place] - _weighted[other] : _weighted[other] - _weighted[place];
            if (!goesOn)
                pair.Restart(difference);
            else
                pair.Look(difference);
        }
    }

    /// <summary>The pair that comes closest to its bound, or goes furthest beyond.</summary>
    /// <param name="volume">The volume: D is the most that is on its device at once, without flushes.</param>
    /// <param name="longestFlushNs">The longest device flush: what it costs may fall on one guest that has written.</param>
    /// <returns>The pair's bound in nanoseconds of device time at weight 100, and the part of it that was used; null if no two
    /// guests were backlogged together.</returns>
    public (double BoundNs, double Used)? Worst(VolumeSpec volume, long longestFlushNs)
    {
        (double BoundNs, double Used)? worst = null;
        for (int first = 0; first < _judged.Length; first++)
        {
            for (int second = first + 1; second < _judged.Length; second++)
            {
                Pair pair = _pairs[(first * _judged.Length) + second];
                if (!pair.Begun)
                    continue;
                double bound = (volume.Depth + volume.NewcomersMax + 1) * (LargestOf(_judged[first]) + LargestOf(_judged[second]));
                if (worst is null || pair.Widest / bound > worst.Value.Used)
                    worst = (bound, pair.Widest / bound);
            }
        }

        return worst;

        double LargestOf(int guest)
        {
            ExperimentWorkload workload = _guests[guest].Workload;
            long bytes = Math.Min(workload.RequestBytes, RequestOp.Read.PieceBytesMax());
            bool writes = workload.OtherPercent > 0
                || workload.Kind is ExperimentWorkloadKind.RandomWrite or ExperimentWorkloadKind.SequentialWrite;
            bool reads = workload.OtherPercent > 0
                || workload.Kind is ExperimentWorkloadKind.RandomRead or ExperimentWorkloadKind.SequentialRead;
            CostModel model = volume.Costs;
            double largest = Math.Max(
                reads ? model.Piece(RequestOp.Read, bytes) : 0,
                writes ? model.Piece(RequestOp.Write, bytes) + longestFlushNs : 0);
            return largest / WeightOf(guest);
        }
    }

    private static bool CanBeJudged(ExperimentGroup group) =>
        group is { Reservation: 0, Limit: 0, StopNs: long.MaxValue } && group.Workload.Kind
            is ExperimentWorkloadKind.RandomRead or ExperimentWorkloadKind.RandomWrite
            or ExperimentWorkloadKind.SequentialRead or ExperimentWorkloadKind.SequentialWrite;

    private double WeightOf(int guest) => _guests[guest].Weight / 100.0;

    private struct Pair
    {
        private double _least;
        private double _most;

        public bool Begun { get; private set; }

        public double Widest { get; private set; }

        public void Restart(double difference)
        {
            _least = difference;
            _most = difference;
            Begun = true;
        }

        public void Look(double difference)
        {
            if (!Begun)
                Restart(difference);
            _least = Math.Min(_least, difference);
            _most = Math.Max(_most, difference);
            Widest = Math.Max(Widest, _most - _least);
        }
    }
}
