namespace Scheduler.Core.Tests.Random;

/// <summary>A small random volume: everything that it can have, little of each.</summary>
internal static class RandomVolume
{
    /// <summary>Makes a volume.</summary>
    /// <param name="seed">What it is made from.</param>
    /// <returns>The volume, and the rings to attach.</returns>
    public static (VolumeSpec Spec, List<VolumeEvent> Rings) Create(int seed)
    {
        System.Random random = new(seed);
        DomainSpec[] domains = new DomainSpec[random.Next(1, 3)];
        for (int i = 0; i < domains.Length; i++)
        {
            domains[i] = new DomainSpec(
                1L << 30,
                VolatileCache: random.Next(8) > 0,
                DurableWrites: random.Next(6) == 0,
                SupportsDsync: random.Next(2) == 0,
                Fault: random.Next(20) == 0 ? CoreError.Io : 0);
        }

        GuestSpec[] guests = new GuestSpec[random.Next(1, 4)];
        for (int i = 0; i < guests.Length; i++)
            guests[i] = Guest(random, i);

        DiskSpec[] disks = new DiskSpec[random.Next(1, 5)];
        long device = 0;
        for (int i = 0; i < disks.Length; i++)
        {
            List<Extent> extents = [];
            long end = 0;
            for (int n = random.Next(1, 4); n > 0; n--)
            {
                Extent extent = random.Next(4) > 0
                    ? new Extent(end, random.Next(domains.Length), device, 4096L * random.Next(1, 100))
                    : Stripes(random, end, domains.Length, device);
                extents.Add(extent);
                end += extent.Length;
                device += extent.Length + (4096 * random.Next(3));
            }

            disks[i] = new DiskSpec
            {
                Name = $"disk{i}",
                Guest = random.Next(guests.Length),
                Ordered = random.Next(3) == 0 ? OrderedMode.FlushFua : (OrderedMode)random.Next((int)OrderedMode.Drain, (int)OrderedMode.FlushFua),
                Extents = extents,
            };
        }

        List<VolumeEvent> rings = [];
        for (int i = 0; i < disks.Length; i++)
        {
            for (int n = random.Next(1, 3); n > 0; n--)
                rings.Add(VolumeEvent.Attach(rings.Count, i, random.Next(2, 9), (byte)random.Next(1, 3)));
        }

        VolumeSpec spec = new()
        {
            Domains = domains,
            Guests = guests,
            Disks = disks,
            Depth = random.Next(1, 7),
            Policy = random.Next(4) > 0 ? PolicyKind.Fair : (PolicyKind)random.Next((int)PolicyKind.Fifo, (int)PolicyKind.RingDrain + 1),
            Costs = new CostModel { FlushNs = 100_000 },
        };
        return (spec, rings);
    }

    // Each leg has its place on all the devices, so that legs may share one.
    private static Extent Stripes(System.Random random, long diskOffset, int domains, long device)
    {
        long chunk = 4096L * random.Next(1, 5);
        long leg = chunk * random.Next(1, 10);
        (int Domain, long DeviceOffset)[] legs = [.. Enumerable.Range(0, random.Next(2, 5)).Select(i => (random.Next(domains), device + (i * leg)))];
        return Extent.Striped(diskOffset, leg * legs.Length, new ExtentStripes(chunk, legs));
    }

    public static GuestSpec Guest(System.Random random, int index)
    {
        GuestSpec guest = new() { Name = $"guest{index}", Weight = random.Next(1, 1000) };
        if (random.Next(4) == 0)
            guest = guest with { UnflushedBytesMax = random.Next(1, 500_000) };
        if (random.Next(4) == 0)
            guest = guest with { Reservation = random.Next(1, 20_000) };
        if (random.Next(4) == 0)
            guest = guest with { Limit = guest.Reservation + random.Next(100, 20_000) };
        if (random.Next(3) == 0)
            guest = guest with { FlushLatencyNsMax = random.Next(300_000) };
        return guest;
    }
}
