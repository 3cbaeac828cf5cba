using System.Numerics;
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>A guest that takes part in a run.</summary>
/// <param name="Group">Its group.</param>
/// <param name="GroupIndex">Index of its group.</param>
/// <param name="Number">Its number among all guests of the experiment: what it does depends on that.</param>
/// <param name="Name">Its name, which is its disk's too.</param>
/// <param name="Trace">Of a replay: its requests, by time.</param>
internal sealed record GuestPlan(ExperimentGroup Group, int GroupIndex, int Number, string Name, TraceRequest[] Trace)
{
    /// <summary>All guests of an experiment, group by group.</summary>
    public static IReadOnlyList<GuestPlan> All(ExperimentSpec spec)
    {
        List<GuestPlan> all = [];
        for (int groupIndex = 0; groupIndex < spec.Groups.Count; groupIndex++)
        {
            ExperimentGroup group = spec.Groups[groupIndex];
            ILookup<int, TraceRequest> traces = group.Workload.Trace.OrderBy(request => request.TimeNs).ToLookup(request => request.Guest);
            for (int i = 0; i < group.Count; i++)
                all.Add(new GuestPlan(group, groupIndex, all.Count, $"{group.Name}-{i}", [.. traces[i]]));
        }

        return all;
    }
}

/// <summary>The volume of a run: one flush domain, and the guests' disks at multiples of a power of two.</summary>
internal static class ExperimentVolume
{
    /// <summary>The power of two that each disk has room for.</summary>
    public static int DiskShift(IReadOnlyList<GuestPlan> guests) =>
        BitOperations.Log2(BitOperations.RoundUpToPowerOf2((ulong)guests.Max(guest => guest.Group.DiskBytes)));

    /// <summary>The core's view of it.</summary>
    public static VolumeSpec Of(ExperimentSpec spec, PolicyKind policy, IReadOnlyList<GuestPlan> guests)
    {
        int shift = DiskShift(guests);
        return new VolumeSpec
        {
            Domains = [new DomainSpec((long)guests.Count << shift, VolatileCache: true, DurableWrites: false, SupportsDsync: spec.Device.DurableWriteNs >= 0)],
            Guests = [.. guests.Select(guest => GuestOf(guest))],
            Disks =
            [
                .. guests.Select((guest, i) => new DiskSpec
                {
                    Name = guest.Name,
                    Guest = i,
                    Ordered = guest.Group.Ordered,
                    Extents = [new Extent(0, 0, (long)i << shift, guest.Group.DiskBytes)],
                }),
            ],
            Depth = spec.Depth,
            Policy = policy,
            Costs = ExperimentCosts.ModelOf(spec.Device),
        };
    }

    private static GuestSpec GuestOf(GuestPlan guest) => new()
    {
        Name = guest.Name,
        Weight = guest.Group.Weight,
        Reservation = guest.Group.Reservation,
        Limit = guest.Group.Limit,
        FlushLatencyNsMax = guest.Group.FlushLatencyNsMax,
        UnflushedBytesMax = guest.Group.UnflushedBytesMax,
    };
}
