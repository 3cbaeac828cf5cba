// The head of a trace, one line for each thing:
//
//   volume depth=4 policy=Fifo flush=1000 op=20 byte=0.25     costs in microseconds, per byte in nanoseconds
//          write=30 writebyte=0.5 discard=200 discardbyte=0 durable=800 flushbyte=0.5 parallel=8 learn
//                                                            where they differ; "op" and "byte" are all but these
//   domain d0 cache dsync                                     or: nocache, durable, fault=5
//   guest a weight=100 limit=1000 reservation=0 unflushed=1M latency=100000
//   disk A a tag d0:0+1M d1:0+1M                              without "tag": FLUSH_FUA
//   disk B a d0:0/d1:1M/16K+128K                              striped over two legs in chunks of 16K
//   ring r0 A credits=8 streams=1
//   clean                                                     one device flush of every domain comes first
//
// What is left out has the product's default.
using System.Globalization;

namespace Scheduler.Core.Tests.Traces;

/// <summary>The volume and the rings of a trace.</summary>
internal sealed class TraceSetup
{
    private readonly List<DomainSpec> _domains = [];
    private readonly List<GuestSpec> _guests = [];
    private readonly List<DiskSpec> _disks = [];
    private readonly List<VolumeEvent> _rings = [];
    private readonly CostModel _defaults = new();
    private CostModel _costs = new();
    private int _depth = 8;
    private PolicyKind _policy;

    public bool Clean { get; private set; }

    public IReadOnlyList<VolumeEvent> Rings => _rings;

    public long FlushNs => (long)_costs.FlushNs;

    public VolumeSpec Volume => new()
    {
        Domains = _domains,
        Guests = _guests,
        Disks = _disks,
        Depth = _depth,
        Policy = _policy,
        Costs = _costs,
    };

    public int Disk(string name) => _disks.FindIndex(disk => disk.Name == name);

    /// <summary>A disk that changes while the trace runs.</summary>
    public DiskSpec Change(string[] words)
    {
        DiskSpec disk = DiskOf(words);
        int index = Disk(disk.Name);
        if (index < 0)
            _disks.Add(disk);
        else
            _disks[index] = disk;
        return disk;
    }

    /// <summary>A disk that is removed while the trace runs.</summary>
    public int Remove(string name)
    {
        int index = Disk(name);
        _disks.RemoveAt(index);
        return index;
    }

    /// <summary>A guest that changes, or comes, while the trace runs.</summary>
    public GuestSpec ChangeGuest(string[] words)
    {
        GuestSpec changed = GuestOf(words);
        int index = _guests.FindIndex(guest => guest.Name == changed.Name);
        if (index < 0)
            _guests.Add(changed);
        else
            _guests[index] = changed;
        return changed;
    }

    public void Add(string line)
    {
        string[] words = TraceText.Words(line);
        switch (words[0])
        {
            case "volume":
                _depth = TraceText.Integer(TraceText.Option(words, "depth") ?? "8");
                _policy = Enum.Parse<PolicyKind>(TraceText.Option(words, "policy") ?? nameof(PolicyKind.Fair));
                double operation = Number(words, "op", _defaults.ReadNs / 1000) * 1000;
                double perByte = Number(words, "byte", _defaults.ReadByteNs);
                _costs = new CostModel
                {
                    Parallel = Number(words, "parallel", 1),
                    ReadNs = operation,
                    ReadByteNs = perByte,
                    WriteNs = Number(words, "write", operation / 1000) * 1000,
                    WriteByteNs = Number(words, "writebyte", perByte),
                    DurableWriteNs = Number(words, "durable", 0) * 1000,
                    DiscardNs = Number(words, "discard", operation / 1000) * 1000,
                    DiscardByteNs = Number(words, "discardbyte", 0),
                    FlushNs = Number(words, "flush", _defaults.FlushNs / 1000) * 1000,
                    FlushByteNs = Number(words, "flushbyte", 0),
                    Learn = words.Contains("learn"),
                };
                break;
            case "domain":
                _domains.Add(new DomainSpec(
                    1L << 30,
                    VolatileCache: words.Contains("cache"),
                    DurableWrites: words.Contains("durable"),
                    SupportsDsync: words.Contains("dsync"),
                    Fault: TraceText.Integer(TraceText.Option(words, "fault") ?? "0")));
                break;
            case "guest":
                _guests.Add(GuestOf(words));
                break;
            case "disk":
                _disks.Add(DiskOf(words));
                break;
            case "ring":
                _rings.Add(VolumeEvent.Attach(
                    TraceText.Index(words[1], 'r'),
                    Disk(words[2]),
                    TraceText.Integer(TraceText.Option(words, "credits") ?? "8"),
                    byte.Parse(TraceText.Option(words, "streams") ?? "1", CultureInfo.InvariantCulture)));
                break;
            case "clean":
                Clean = true;
                break;
            default:
                throw new FormatException($"a trace's head has no '{words[0]}'");
        }
    }

    private static double Number(string[] words, string key, double otherwise) =>
        TraceText.Option(words, key) is { } text ? double.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static GuestSpec GuestOf(string[] words)
    {
        GuestSpec defaults = new() { Name = words[1] };
        return defaults with
        {
            Weight = (int)Number(words, "weight", defaults.Weight),
            Limit = Number(words, "limit", 0),
            Reservation = Number(words, "reservation", 0),
            UnflushedBytesMax = TraceText.Option(words, "unflushed") is { } bytes ? TraceText.Bytes(bytes) : defaults.UnflushedBytesMax,
            FlushLatencyNsMax = (long)Number(words, "latency", defaults.FlushLatencyNsMax / 1000) * 1000,
        };
    }

    private DiskSpec DiskOf(string[] words)
    {
        List<Extent> extents = [];
        long end = 0;
        foreach (string word in words.Where(word => word.Contains(':', StringComparison.Ordinal)))
        {
            extents.Add(ExtentOf(word, end));
            end += extents[^1].Length;
        }

        return new DiskSpec
        {
            Name = words[1],
            Guest = _guests.FindIndex(guest => guest.Name == words[2]),
            Ordered = words.Contains("tag") ? OrderedMode.TagFlush : OrderedMode.FlushFua,
            Extents = extents,
        };
    }

    private static Extent ExtentOf(string word, long diskOffset)
    {
        string[] parts = word.Split('+');
        string[] places = parts[0].Split('/');
        long length = TraceText.Bytes(parts[1]);
        (int Domain, long DeviceOffset)[] legs = [.. places.Where(place => place.Contains(':', StringComparison.Ordinal)).Select(PlaceOf)];
        return legs.Length == 1
            ? new Extent(diskOffset, legs[0].Domain, legs[0].DeviceOffset, length)
            : Extent.Striped(diskOffset, length, new ExtentStripes(TraceText.Bytes(places[^1]), legs));
    }

    private static (int Domain, long DeviceOffset) PlaceOf(string text)
    {
        string[] parts = text.Split(':');
        return (TraceText.Index(parts[0], 'd'), TraceText.Bytes(parts[1]));
    }
}
