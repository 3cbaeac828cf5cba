// Q2: guests that are backlogged throughout an interval, and neither served by reservation nor held by a limit, share
// device time by weight: |Wf/wf - Wg/wg| <= (D+1)(cf/wf + cg/wg) in charged cost. The bound over all intervals is the
// distance between the largest and the smallest value that Wf/wf - Wg/wg has over the time that both are backlogged.
namespace Scheduler.Core.Tests.Random;

public class ShareBoundTests
{
    private const int Seeds = 60;
    private const int Steps = 3_000;
    private const long DiskBytes = 64 << 20;

    /// <summary>What else goes on beside guests 0 and 1, which are judged.</summary>
    public enum Beside
    {
        /// <summary>Guests that come and go.</summary>
        Idlers,

        /// <summary>A guest that a limit holds, and one with a reservation.</summary>
        LimitsAndReservations,

        /// <summary>The judged guests themselves flush.</summary>
        Flushes,

        /// <summary>Guests that come and go, and costs that are learned meanwhile.</summary>
        Learning,

        /// <summary>As <see cref="Flushes"/>, on a device that works on several operations at once and writes sooner than it reads.</summary>
        FlushesOnChannels,
    }

    [Theory]
    [InlineData(Beside.Idlers)]
    [InlineData(Beside.LimitsAndReservations)]
    [InlineData(Beside.Flushes)]
    [InlineData(Beside.Learning)]
    [InlineData(Beside.FlushesOnChannels)]
    public void Q2_the_bound_holds_over_all_intervals(Beside beside)
    {
        for (int seed = 1; seed <= Seeds; seed++)
            new Run(seed, beside).Check();
    }

    private sealed class Run
    {
        private const int Guests = 5;
        private const int Credits = 64;
        private const int RestEvery = 230;
        private const int RestSteps = 80;

        private readonly int _seed;
        private readonly Beside _beside;
        private readonly System.Random _random;
        private readonly VolumeSpec _spec;
        private readonly VolumeCore _core;
        private readonly List<int> _inFlight = [];
        private readonly bool[,] _busy = new bool[Guests, Credits];
        private readonly int[] _dispatchable = new int[Guests];
        private readonly double[] _largest = new double[Guests];
        private readonly bool[,] _issued = new bool[Guests, Credits];

        /// <summary>When the flushes in flight began, by operation.</summary>
        private readonly Dictionary<int, long> _flushes = [];
        private long _nowNs;
        private long _longestFlushNs;

        public Run(int seed, Beside beside)
        {
            _seed = seed;
            _beside = beside;
            _random = new System.Random(seed);
            GuestSpec[] guests = new GuestSpec[Guests];
            for (int i = 0; i < Guests; i++)
                guests[i] = new GuestSpec { Name = $"guest{i}", Weight = _random.Next(10, 1000), UnflushedBytesMax = long.MaxValue };
            if (beside == Beside.LimitsAndReservations)
            {
                guests[2] = guests[2] with { Limit = _random.Next(50, 2_000) };
                guests[3] = guests[3] with { Reservation = _random.Next(50, 2_000) };
            }

            _spec = new VolumeSpec
            {
                Domains = [new DomainSpec(1L << 40, VolatileCache: true, DurableWrites: false, SupportsDsync: false)],
                Guests = guests,
                Disks = [.. Enumerable.Range(0, Guests).Select(Disk)],
                Depth = _random.Next(1, 17),
                Costs = beside switch
                {
                    Beside.Learning => new CostModel { Learn = true },
                    Beside.FlushesOnChannels => new CostModel { Parallel = 4, ReadNs = 80_000, WriteNs = 30_000 },
                    _ => new CostModel(),
                },
            };
            _core = new VolumeCore(_spec);
            for (int i = 0; i < Guests; i++)
                Step(VolumeEvent.Attach(i, i, Credits));
        }

        public void Check()
        {
            double widest = 0;
            int judged = 0;
            double least = double.MaxValue;
            double most = double.MinValue;
            for (int step = 0; step < Steps; step++)
            {
                for (int guest = 0; guest < Guests; guest++)
                    Feed(guest, step);
                if (_dispatchable[0] > 0 && _dispatchable[1] > 0)
                {
                    judged++;
                    least = Math.Min(least, Weighted(0) - Weighted(1));
                    most = Math.Max(most, Weighted(0) - Weighted(1));
                    widest = Math.Max(widest, most - least);
                }
                else
                {
                    least = double.MaxValue;
                    most = double.MinValue;
                }

                CompleteOne();
            }

            Assert.True(judged > Steps / 3, $"seed {_seed}: the load keeps its guests backlogged for {judged} steps only");
            double largest0 = _largest[0] + _longestFlushNs;
            double largest1 = _largest[1] + _longestFlushNs;
            double bound = (_spec.Depth + _spec.NewcomersMax + 1) * ((largest0 / Weight(0)) + (largest1 / Weight(1)));
            Assert.True(widest <= bound, $"seed {_seed}: weighted service differs by {widest:F0} ns, the bound is {bound:F0} ns");
        }

        private static DiskSpec Disk(int guest) =>
            new() { Name = $"disk{guest}", Guest = guest, Extents = [new Extent(0, 0, guest * DiskBytes, DiskBytes)] };

        private double Weight(int guest) => _spec.Guests[guest].Weight / 100.0;

        private double Weighted(int guest) => _core.DeviceTimeNs(guest) / Weight(guest);

        private void Feed(int guest, int step)
        {
            // Guest 1 comes into a system that runs, again and again; a limited guest always waits for its limit.
            bool judged = guest == 0 || (guest == 1 && step % RestEvery > RestSteps) || _spec.Guests[guest].Limit > 0;
            bool other = guest >= 2 && _random.Next(20) == 0;
            if (!judged && !other)
                return;
            int wanted = judged ? Credits / 2 : 1;
            for (int slot = 0; slot < Credits && _dispatchable[guest] < wanted; slot++)
            {
                if (_busy[guest, slot])
                    continue;
                _busy[guest, slot] = true;
                if (_beside is Beside.Flushes or Beside.FlushesOnChannels && _random.Next(8) == 0)
                {
                    Step(VolumeEvent.Submit(guest, slot, RequestOp.Flush));
                    continue;
                }

                long length = 4096L * (_random.Next(4) == 0 ? _random.Next(1, 256) : _random.Next(1, 9));
                RequestOp op = _random.Next(2) == 0 ? RequestOp.Read : RequestOp.Write;
                _dispatchable[guest]++;
                Step(VolumeEvent.Submit(guest, slot, op, 0, length));
            }
        }

        private void CompleteOne()
        {
            _nowNs += _random.Next(100_000);
            if (_inFlight.Count == 0)
            {
                Step(VolumeEvent.Tick());
                return;
            }

            int i = _random.Next(_inFlight.Count);
            int operation = _inFlight[i];
            _inFlight.RemoveAt(i);
            if (_flushes.Remove(operation, out long startedNs))
                _longestFlushNs = Math.Max(_longestFlushNs, _nowNs - startedNs);
            Step(VolumeEvent.Completed(operation));
        }

        private void Step(VolumeEvent happened)
        {
            foreach (Effect effect in _core.Step(happened, _nowNs))
            {
                switch (effect.Kind)
                {
                    case EffectKind.Io:
                        _inFlight.Add(effect.Operation);
                        _largest[effect.Ring] = Math.Max(_largest[effect.Ring], _core.CostNs(effect.Op, effect.Length));

                        // Backlogged is who has a request with nothing on the device: a safe side of what the core counts.
                        if (!_issued[effect.Ring, effect.Slot])
                            _dispatchable[effect.Ring]--;
                        _issued[effect.Ring, effect.Slot] = true;
                        break;
                    case EffectKind.Flush:
                        _inFlight.Add(effect.Operation);
                        _flushes.Add(effect.Operation, _nowNs);
                        break;
                    case EffectKind.Reply:
                        _busy[effect.Ring, effect.Slot] = false;
                        _issued[effect.Ring, effect.Slot] = false;
                        break;
                    default:
                        break;
                }
            }
        }
    }
}
