// What two nodes of a cluster say to each other about rings, beside Akka.NET: version 2. All numbers are little-endian.
//
// A guest is connected to one node, and its volume's scheduler runs on another, the owner. The guest's node connects to the
// owner. Each side first says hello, the guest's node first; it sends nothing else before it has heard the owner's:
//
//   bytes    hello
//   0-7      "schdlink"
//   8-11     version: 2 (1 had no Cleared)
//   12-15    length of the name, 1 to 255
//   16-      name of the node that speaks, in UTF-8
//
// Frames follow, each of 96 bytes and its payload. What a frame does not use is 0:
//
//   bytes    field            Ping  Open  Request  Reply  Detach  Closed  Released  Failed  Cleared
//   0        type             1     2     3        4      5       6       7         8       9
//   1        operation                    RingOp                  LinkClose
//   2        modifiers                    RingFlags
//   3        stream                       x
//   4-7      slot                         x        x
//   8-15     ticket                 x     x        x      x       x       x                 x
//   16-23    request id                   x        x
//   24-31    epoch                  x     x        x      x       x       x                 x
//   32-39    offset                       x
//   40-47    length                       x
//   48-55    answers heard                x                                                clearings
//   56-59    errno                                 x
//   60-63    bytes of payload             data     data           text              text
//   64-79    trace id                     x
//   80-87    span id                      x
//   88       trace flags                  x
//   89-95    0
//
// A ring's frames, from a ticket that the owner has given out to the end of both sides' part in it:
//
//   guest's node -> owner   Open       the ring of this ticket speaks on this connection
//                           Request    in a free slot; a write with its data
//                           Detach     the ring is over; nothing follows. Sent once: when the guest is gone, or in answer to
//                                      Closed
//   owner -> guest's node   Reply      frees the slot; of a read with its data, of Status with an AllocationMap
//                           Closed     the ring is over; only Released follows. What was sent meanwhile is thrown away
//                           Cleared    a fault was cleared, one of so many, and nothing of the ring's disk was lost (F6)
//                           Released   after Detach: neither scheduler nor device holds the ring's memory; the ticket is over
//
// Ping says that the node is there. Failed says why the connection is closed: the other one broke these rules.
//
// The trace fields have the ids and flags of the span that a request belongs to (W3C Trace Context), the ids as numbers whose
// hexadecimal digits are the ids' own; 0 where there is none.
using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Scheduler.Actors;
using Scheduler.Storage;

namespace Scheduler.Host.Cluster.Link;

/// <summary>What a frame is.</summary>
internal enum LinkFrameType : byte
{
    Ping = 1,
    Open = 2,
    Request = 3,
    Reply = 4,
    Detach = 5,
    Closed = 6,
    Released = 7,
    Failed = 8,
    Cleared = 9,
}

/// <summary>What a ring that its owner has closed is to do.</summary>
internal enum LinkClose : byte
{
    /// <summary>The volume's scheduler is no longer there: the ring may attach to the next.</summary>
    Gone = 0,

    /// <summary>Disconnect the guest; requests that are unanswered get an error first.</summary>
    Answer = 1,

    /// <summary>Disconnect the guest; what is unanswered stays so.</summary>
    Silent = 2,
}

/// <summary>The span that a request belongs to.</summary>
internal readonly record struct LinkTrace(UInt128 TraceId, ulong SpanId, byte Flags)
{
    /// <summary>Whether there is one, and it is recorded.</summary>
    public bool IsRecorded => TraceId != 0 && SpanId != 0 && ((ActivityTraceFlags)Flags & ActivityTraceFlags.Recorded) != 0;

    /// <summary>As OpenTelemetry has it.</summary>
    /// <returns>The span, of another process.</returns>
    public ActivityContext ToContext()
    {
        Span<byte> id = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(id, TraceId);
        var trace = ActivityTraceId.CreateFromBytes(id);
        BinaryPrimitives.WriteUInt64BigEndian(id, SpanId);
        return new ActivityContext(trace, ActivitySpanId.CreateFromBytes(id[..8]), (ActivityTraceFlags)Flags, isRemote: true);
    }

    /// <summary>A span as a frame has it.</summary>
    /// <param name="span">The span; null: there is none.</param>
    public static LinkTrace Of(Activity? span)
    {
        if (span is null)
            return default;
        Span<byte> id = stackalloc byte[16];
        span.TraceId.CopyTo(id);
        UInt128 trace = BinaryPrimitives.ReadUInt128BigEndian(id);
        span.SpanId.CopyTo(id[..8]);
        return new LinkTrace(trace, BinaryPrimitives.ReadUInt64BigEndian(id), (byte)span.ActivityTraceFlags);
    }
}

/// <summary>A frame without its payload.</summary>
internal readonly record struct LinkFrame
{
    /// <summary>Bytes of a frame without its payload.</summary>
    public const int Bytes = 96;

    /// <summary>Most bytes of data.</summary>
    public const int DataBytesMax = 32 << 20;

    /// <summary>Most bytes of a text.</summary>
    public const int TextBytesMax = 1024;

    private const int ReservedAt = 89;

    public LinkFrameType Type { get; init; }

    public RingOp Op { get; init; }

    public LinkClose Close { get; init; }

    public RingFlags Flags { get; init; }

    public byte Stream { get; init; }

    public int Slot { get; init; }

    public ulong Ticket { get; init; }

    public ulong RequestId { get; init; }

    public long Epoch { get; init; }

    public long Offset { get; init; }

    public long Length { get; init; }

    public long AnswersHeard { get; init; }

    /// <summary>How often faults of the volume were cleared, in all its incarnations.</summary>
    public long Clearings { get; init; }

    public int Error { get; init; }

    public int PayloadBytes { get; init; }

    public LinkTrace Trace { get; init; }

    /// <summary>Bytes of memory that a request's data, or the answer to Status, take; 0 where no data move.</summary>
    public int BufferBytes => Op switch
    {
        RingOp.Read or RingOp.Write or RingOp.BarrierWrite => (int)Length,
        RingOp.Status => AllocationMap.BufferBytes,
        _ => 0,
    };

    /// <summary>Whether the payload is a text for people.</summary>
    public bool HasText => Type is LinkFrameType.Closed or LinkFrameType.Failed;

    /// <summary>Writes the frame.</summary>
    /// <param name="to">At least <see cref="Bytes"/>.</param>
    public void Encode(Span<byte> to)
    {
        to = to[..Bytes];
        to[0] = (byte)Type;
        to[1] = Type == LinkFrameType.Closed ? (byte)Close : (byte)Op;
        to[2] = (byte)Flags;
        to[3] = Stream;
        BinaryPrimitives.WriteInt32LittleEndian(to[4..], Slot);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], Ticket);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], RequestId);
        BinaryPrimitives.WriteInt64LittleEndian(to[24..], Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(to[32..], Offset);
        BinaryPrimitives.WriteInt64LittleEndian(to[40..], Length);
        BinaryPrimitives.WriteInt64LittleEndian(to[48..], Type == LinkFrameType.Cleared ? Clearings : AnswersHeard);
        BinaryPrimitives.WriteInt32LittleEndian(to[56..], Error);
        BinaryPrimitives.WriteInt32LittleEndian(to[60..], PayloadBytes);
        BinaryPrimitives.WriteUInt128LittleEndian(to[64..], Trace.TraceId);
        BinaryPrimitives.WriteUInt64LittleEndian(to[80..], Trace.SpanId);
        to[88] = Trace.Flags;
        to[ReservedAt..].Clear();
    }

    /// <summary>Reads a frame, and checks what can be checked without knowing its ring.</summary>
    /// <param name="from">At least <see cref="Bytes"/>.</param>
    /// <param name="frame">The frame, if there is no problem.</param>
    /// <returns>What is wrong with it, or null.</returns>
    public static string? Decode(ReadOnlySpan<byte> from, out LinkFrame frame)
    {
        from = from[..Bytes];
        var type = (LinkFrameType)from[0];
        frame = new LinkFrame
        {
            Type = type,
            Op = type == LinkFrameType.Closed ? default : (RingOp)from[1],
            Close = type == LinkFrameType.Closed ? (LinkClose)from[1] : default,
            Flags = (RingFlags)from[2],
            Stream = from[3],
            Slot = BinaryPrimitives.ReadInt32LittleEndian(from[4..]),
            Ticket = BinaryPrimitives.ReadUInt64LittleEndian(from[8..]),
            RequestId = BinaryPrimitives.ReadUInt64LittleEndian(from[16..]),
            Epoch = BinaryPrimitives.ReadInt64LittleEndian(from[24..]),
            Offset = BinaryPrimitives.ReadInt64LittleEndian(from[32..]),
            Length = BinaryPrimitives.ReadInt64LittleEndian(from[40..]),
            AnswersHeard = type == LinkFrameType.Cleared ? 0 : BinaryPrimitives.ReadInt64LittleEndian(from[48..]),
            Clearings = type == LinkFrameType.Cleared ? BinaryPrimitives.ReadInt64LittleEndian(from[48..]) : 0,
            Error = BinaryPrimitives.ReadInt32LittleEndian(from[56..]),
            PayloadBytes = BinaryPrimitives.ReadInt32LittleEndian(from[60..]),
            Trace = new LinkTrace(BinaryPrimitives.ReadUInt128LittleEndian(from[64..]), BinaryPrimitives.ReadUInt64LittleEndian(from[80..]), from[88]),
        };
        return from[ReservedAt..].ContainsAnyExcept((byte)0) ? "a frame has something where 0 belongs" : frame.WhyNot();
    }

    /// <summary>The text of a frame, cut to what a frame may have.</summary>
    /// <param name="text">For people.</param>
    /// <returns>UTF-8.</returns>
    public static byte[] Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length <= TextBytesMax ? bytes : bytes[..TextBytesMax];
    }

    private string? WhyNot() => Type switch
    {
        LinkFrameType.Request => WhyNoRequest(),
        LinkFrameType.Reply when Error is < 0 or > 4095 => $"a reply has errno {Error}",
        LinkFrameType.Reply => WhyNoPayload(DataBytesMax),
        LinkFrameType.Closed when Close > LinkClose.Silent => $"a ring is closed in a way, {(byte)Close}, that is not known",
        LinkFrameType.Closed or LinkFrameType.Failed => WhyNoPayload(TextBytesMax),
        LinkFrameType.Cleared when Clearings <= 0 => $"a ring is told of {Clearings} clearings",
        LinkFrameType.Cleared or LinkFrameType.Ping or LinkFrameType.Open or LinkFrameType.Detach or LinkFrameType.Released => WhyNoPayload(0),
        _ => $"frame type {(byte)Type} is not known",
    };

    private string? WhyNoRequest()
    {
        bool write = Op is RingOp.Write or RingOp.BarrierWrite;
        return Op > RingOp.Status ? $"operation {(byte)Op} is not known"
            : (Flags & ~(RingFlags.Fua | RingFlags.NoHole | RingFlags.FastZero)) != 0 ? $"{Op} has modifiers {(byte)Flags} that are not known"
            : Op is RingOp.Flush or RingOp.EmptyBarrier ? (Offset != 0 || Length != 0 ? $"{Op} has a range" : WhyNoPayload(0))
            : Offset < 0 || Length <= 0 || Offset > long.MaxValue - Length ? $"{Op} has no range: offset {Offset}, length {Length}"
            : (write || Op == RingOp.Read) && Length > DataBytesMax ? $"{Op} of {Length} bytes is longer than {DataBytesMax}"
            : write && PayloadBytes != Length ? $"{Op} of {Length} bytes brings {PayloadBytes}"
            : write ? null
            : WhyNoPayload(0);
    }

    private string? WhyNoPayload(int bytesMax) => PayloadBytes >= 0 && PayloadBytes <= bytesMax ? null
        : $"{Type} brings {PayloadBytes} bytes, {bytesMax} at most are allowed";
}

/// <summary>What each side says first.</summary>
internal static class LinkHello
{
    /// <summary>Most bytes of a hello.</summary>
    public const int BytesMax = HeadBytes + NameBytesMax;

    private const int HeadBytes = 16;
    private const int NameBytesMax = 255;
    private const uint Version = 2;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static ReadOnlySpan<byte> Magic => "schdlink"u8;

    /// <summary>Writes a hello.</summary>
    /// <param name="node">Name of this node.</param>
    /// <returns>Its bytes.</returns>
    /// <exception cref="ArgumentException">The name is empty or too long.</exception>
    public static byte[] Encode(string node)
    {
        byte[] name = s_utf8.GetBytes(node);
        if (name.Length is 0 or > NameBytesMax)
            throw new ArgumentException($"the node's name {node} has {name.Length} bytes; 1 to {NameBytesMax} are allowed", nameof(node));
        byte[] hello = new byte[HeadBytes + name.Length];
        Magic.CopyTo(hello);
        BinaryPrimitives.WriteUInt32LittleEndian(hello.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(hello.AsSpan(12), name.Length);
        name.CopyTo(hello.AsSpan(HeadBytes));
        return hello;
    }

    /// <summary>Reads a hello as far as it is there.</summary>
    /// <param name="from">What was received.</param>
    /// <param name="node">The name, once all is there.</param>
    /// <returns>What is wrong with it; null if nothing is, or not all of it is there.</returns>
    public static string? Decode(ReadOnlySpan<byte> from, out string? node)
    {
        node = null;
        int magic = Math.Min(from.Length, Magic.Length);
        if (!from[..magic].SequenceEqual(Magic[..magic]))
            return "it does not speak this protocol: another service listens there, or connects here";
        if (from.Length < HeadBytes)
            return null;
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(from[8..]);
        int length = BinaryPrimitives.ReadInt32LittleEndian(from[12..]);
        if (version != Version)
            return $"it speaks version {version}, this node {Version}; run the same version on both";
        if (length is < 1 or > NameBytesMax)
            return $"its name has {length} bytes; 1 to {NameBytesMax} are allowed";
        if (from.Length < HeadBytes + length)
            return null;
        try
        {
            node = s_utf8.GetString(from.Slice(HeadBytes, length));
            return null;
        }
        catch (DecoderFallbackException)
        {
            return "its name is not UTF-8";
        }
    }

    /// <summary>Bytes of a node's hello.</summary>
    public static int BytesOf(string node) => HeadBytes + s_utf8.GetByteCount(node);
}
