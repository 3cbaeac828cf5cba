// Events as they are written in traces:
//
//   submit r0.1 write 0+4K fua stream=1     ring 0, slot 1, a range of the disk; heard=3: the guest had heard 3 answers
//   submit r0.2 flush                       also: barrier 0+4K, empty-barrier, discard, zero, read, prefetch, status
//   done #3 error=5                         operation 3
//   disk A a d0:0+2M, remove A              disk A has grown, or is new; it is no longer served
//   guest a weight=300 limit=1000           guest a has changed, or is new
//   attach r1 A credits=4 streams=2, detach r0, tick, recorded d0, clear d0, stop
using System.Globalization;

namespace Scheduler.Core.Tests.Traces;

/// <summary>Reads events.</summary>
internal static class TraceEvents
{
    public static VolumeEvent Parse(string text, TraceSetup setup)
    {
        string[] words = TraceText.Words(text);
        return words[0] switch
        {
            "submit" => Submit(words),
            "done" => VolumeEvent.Completed(
                TraceText.Index(words[1], '#'), TraceText.Integer(TraceText.Option(words, "error") ?? "0")),
            "attach" => VolumeEvent.Attach(
                TraceText.Index(words[1], 'r'),
                setup.Disk(words[2]),
                TraceText.Integer(TraceText.Option(words, "credits") ?? "8"),
                Stream(words, "streams", 1)),
            "disk" => VolumeEvent.ChangeDisk(setup.Change(words)),
            "remove" => VolumeEvent.RemoveDisk(setup.Remove(words[1])),
            "guest" => VolumeEvent.ChangeGuest(setup.ChangeGuest(words)),
            "detach" => VolumeEvent.Detach(TraceText.Index(words[1], 'r')),
            "tick" => VolumeEvent.Tick(),
            "recorded" => VolumeEvent.FaultRecorded(TraceText.Index(words[1], 'd')),
            "clear" => VolumeEvent.ClearFault(TraceText.Index(words[1], 'd')),
            "stop" => VolumeEvent.Stop(),
            _ => throw new FormatException($"'{text}' is not an event"),
        };
    }

    public static RequestOp Op(string name) => name switch
    {
        "barrier" => RequestOp.BarrierWrite,
        "empty-barrier" => RequestOp.EmptyBarrier,
        _ => Enum.Parse<RequestOp>(name, ignoreCase: true),
    };

    private static VolumeEvent Submit(string[] words)
    {
        (int ring, int slot) = TraceText.RingSlot(words[1]);
        RequestOp op = Op(words[2]);
        (long offset, long length) = op.HasRange() ? TraceText.Range(words[3]) : (0, 0);
        RequestFlags flags = words.Contains("fua") ? RequestFlags.Fua : RequestFlags.None;
        long heard = TraceText.Option(words, "heard") is { } text ? TraceText.Integer(text) : long.MaxValue;
        return VolumeEvent.Submit(ring, slot, op, offset, length, flags, Stream(words, "stream", 0), heard);
    }

    private static byte Stream(string[] words, string key, byte otherwise) =>
        TraceText.Option(words, key) is { } text ? byte.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
