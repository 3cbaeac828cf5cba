using Scheduler.Core;

namespace Scheduler.Simulation.Tests;

/// <summary>Small histories of one sector: w1 means the write of value 1, r1 a read that got it.</summary>
public sealed class LinearizabilityCheckerTests
{
    private readonly History _history = new();
    private readonly SectorMedia _media = new(8);

    public LinearizabilityCheckerTests()
    {
        VolumeSpec spec = new()
        {
            Domains = [new DomainSpec(4096, VolatileCache: true, DurableWrites: false, SupportsDsync: false)],
            Guests = [new GuestSpec { Name = "g" }],
            Disks = [new DiskSpec { Name = "d", Guest = 0, Extents = [new Extent(0, 0, 0, 4096)] }],
        };
        DiskMap map = new(spec, [_media]);
        SectorLog log = new(_history, map);
        _history.Checkers.AddRange([log, new LinearizabilityChecker(_history, map, log)]);
        _history.Rings.Add(new RingRecord { Id = 0, Disk = 0, Memory = new SimulatedMemory() });
    }

    // Each word begins (<) or ends (>) an operation; a read's value is given where it ends. "!" is a power cut.
    [Theory]
    [InlineData(true, "<w1 >w1 <r >r1")]
    [InlineData(true, "<w1 <r >r0 >w1 <r >r1")]
    [InlineData(true, "<w1 <w2 <r >r2 >w1 >w2 <r >r1")]
    [InlineData(true, "<w1 >w1 ! <r >r1")]
    [InlineData(true, "<w1 <r >r1 <r >r1")]
    [InlineData(false, "<w1 >w1 <r >r0")]
    [InlineData(false, "<r >r1 <w1 >w1")]
    [InlineData(false, "<w1 >w1 <w2 >w2 <r >r1")]
    [InlineData(false, "<w1 <r >r1 <r >r0 >w1")]
    [InlineData(false, "<w1 <w2 <r >r1 <r >r2 <r >r1 >w1 >w2")]
    [InlineData(false, "<w1 >w1 <w2 <r >r2 <r >r1")]
    public void Says_whether_an_order_explains_the_reads(bool linearizable, string text)
    {
        Exception? violation = Record.Exception(() => Play(text));
        Assert.True(violation is null or RuleViolationException, violation?.ToString());
        Assert.Equal(linearizable, violation is null);
    }

    private void Play(string text)
    {
        Dictionary<string, RequestRecord> writes = [];
        RequestRecord? read = null;
        foreach (string word in text.Split(' '))
        {
            switch (word[0], word.Length > 1 ? word[1] : ' ')
            {
                case ('!', _):
                    _media.WriteDurable(0, writes["1"].StampOf(0));
                    _history.Add(new HistoryEvent { Kind = HistoryKind.PowerCut });
                    break;
                case ('<', 'w'):
                    writes[word[2..]] = Begin(RequestOp.Write);
                    break;
                case ('>', 'w'):
                    End(writes[word[2..]]);
                    break;
                case ('<', _):
                    read = Begin(RequestOp.Read);
                    break;
                default:
                    // A write that has not begun yet gets the next number.
                    string value = word[2..];
                    read!.Result[0] = value == "0" ? 0 : writes.TryGetValue(value, out RequestRecord? write) ? write.StampOf(0) : Stamp.Of(_history.Requests.Count, 0);
                    End(read);
                    break;
            }
        }
    }

    private RequestRecord Begin(RequestOp op)
    {
        RequestRecord request = new()
        {
            Id = _history.Requests.Count,
            Ring = 0,
            Disk = 0,
            Stream = 0,
            Op = op,
            Flags = RequestFlags.None,
            Offset = 0,
            Length = SectorMedia.SectorBytes,
            Result = op == RequestOp.Read ? new ulong[1] : [],
        };
        _history.Requests.Add(request);
        _history.Add(new HistoryEvent { Kind = HistoryKind.Submit, Number = request.Id });
        return request;
    }

    private void End(RequestRecord request) => _history.Add(new HistoryEvent { Kind = HistoryKind.Reply, Number = request.Id });
}
