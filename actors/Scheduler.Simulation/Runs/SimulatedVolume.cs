using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>Draws a small volume: everything that one can have, little of each.</summary>
internal static class SimulatedVolume
{
    /// <summary>Draws a volume whose disks lie side by side.</summary>
    /// <param name="random">Draws it.</param>
    /// <param name="guestCount">How many guests; 0: any number.</param>
    /// <param name="stripes">Draws what is striped, in one of three volumes.</param>
    public static VolumeSpec Draw(Random random, int guestCount, Random stripes)
    {
        bool hasStripes = stripes.Next(3) == 0;
        GuestSpec[] guests = new GuestSpec[guestCount > 0 ? guestCount : random.Next(1, 5)];
        for (int i = 0; i < guests.Length; i++)
            guests[i] = DrawGuest(random, i);

        int domains = random.Next(1, 3);
        long[] ends = new long[domains];
        DiskSpec[] disks = new DiskSpec[guests.Length + random.Next(2)];
        for (int i = 0; i < disks.Length; i++)
        {
            List<Extent> extents = [];
            long end = 0;
            for (int n = random.Next(1, 4); n > 0; n--)
            {
                // Few blocks, so that requests meet; sometimes many, so that requests go in pieces.
                long length = 4096L * (random.Next(8) == 0 ? 150 : random.Next(1, 9));
                int domain = random.Next(domains);
                Extent extent = hasStripes && stripes.Next(2) == 0
                    ? DrawStripes(stripes, end, ends)
                    : new Extent(end, domain, ends[domain], length);
                extents.Add(extent);
                end += extent.Length;
                foreach ((int on, long start, long bytes) in extent.Runs())
                    ends[on] = Math.Max(ends[on], start + bytes);
            }

            disks[i] = new DiskSpec
            {
                Name = $"disk{i}",
                Guest = i % guests.Length,
                Ordered = random.Next(2) == 0 ? OrderedMode.FlushFua : (OrderedMode)random.Next((int)OrderedMode.None, (int)OrderedMode.FlushFua),
                Extents = extents,
            };
        }

        int depth = random.Next(1, 17);
        return new VolumeSpec
        {
            Domains = [.. ends.Select(end => DrawDomain(random, end))],
            Guests = guests,
            Disks = disks,
            Depth = depth,

            // A device of 60 us and one operation after the other: one half of the volumes has its depth lowered.
            LatencyTargetNs = depth % 2 == 0 ? 100_000 : 0,
            Policy = random.Next(4) > 0 ? PolicyKind.Fair : (PolicyKind)random.Next((int)PolicyKind.Fifo, (int)PolicyKind.RingDrain + 1),
            Costs = new CostModel { FlushNs = 400_000 },
        };
    }

    /// <summary>A guest that an operator gives something else: mostly another weight.</summary>
    /// <param name="random">Draws it.</param>
    /// <param name="guest">The guest as it is.</param>
    public static GuestSpec DrawChanged(Random random, GuestSpec guest)
    {
        GuestSpec none = new() { Name = guest.Name };
        int limit = random.Next(100, 20_000);
        return random.Next(8) switch
        {
            0 => guest with { UnflushedBytesMax = random.Next(2) == 0 ? none.UnflushedBytesMax : random.Next(1, 500_000) },
            1 => guest with { Reservation = random.Next(2) == 0 ? 0 : random.Next(1, 20_000), Limit = 0 },
            2 => guest with { Reservation = 0, Limit = random.Next(2) == 0 ? 0 : limit },
            3 => guest with { FlushLatencyNsMax = random.Next(300_000) },
            4 => guest with { Weight = random.Next(1, 1000) },

            // So that it shows.
            _ => guest with { Weight = guest.Weight < 300 ? random.Next(700, 1_000) : random.Next(50, 150) },
        };
    }

    /// <summary>Costs to be learned: half of them are off, by so much that a short run is enough for it.</summary>
    /// <param name="random">Draws them.</param>
    /// <param name="device">What things take.</param>
    /// <param name="depth">Operations on the device at once.</param>
    public static CostModel DrawWrongCosts(Random random, DeviceProfile device, int depth)
    {
        return new CostModel
        {
            Learn = true,
            Parallel = Wrong(Math.Min(device.Channels, depth)),
            ReadNs = Wrong(device.OperationNs),
            WriteNs = Wrong(device.OperationNs),
            DiscardNs = Wrong(device.OperationNs),
            FlushNs = Wrong(device.FlushNs),
        };

        double Wrong(int truth) => truth * (random.Next(2) == 0 ? 1 : Math.Pow(2, random.NextDouble() - 0.5));
    }

    // Two legs or three, also on one domain.
    private static Extent DrawStripes(Random random, long diskOffset, long[] ends)
    {
        long chunk = 4096L * random.Next(1, 4);
        long leg = chunk * random.Next(1, 4);
        (int Domain, long DeviceOffset)[] legs = new (int, long)[random.Next(2, 4)];
        long[] next = [.. ends];
        for (int i = 0; i < legs.Length; i++)
        {
            int domain = random.Next(ends.Length);
            legs[i] = (domain, next[domain]);
            next[domain] += leg;
        }

        return Extent.Striped(diskOffset, leg * legs.Length, new ExtentStripes(chunk, legs));
    }

    // Room for one more block, for a disk that is misplaced on purpose.
    private static DomainSpec DrawDomain(Random random, long end) => new(
        end + 4096,
        VolatileCache: random.Next(12) > 0,
        DurableWrites: random.Next(8) == 0,
        SupportsDsync: random.Next(2) == 0);

    private static GuestSpec DrawGuest(Random random, int index)
    {
        GuestSpec guest = new() { Name = $"guest{index}", Weight = random.Next(1, 1000) };
        if (random.Next(4) == 0)
            guest = guest with { UnflushedBytesMax = random.Next(1, 500_000) };
        if (random.Next(4) == 0)
            guest = guest with { Reservation = random.Next(1, 20_000) };
        if (random.Next(6) == 0)
            guest = guest with { Limit = guest.Reservation + random.Next(100, 20_000) };
        if (random.Next(3) == 0)
            guest = guest with { FlushLatencyNsMax = random.Next(300_000) };
        return guest;
    }
}
