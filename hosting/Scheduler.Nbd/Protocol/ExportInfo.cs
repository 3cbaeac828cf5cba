using System.Numerics;
using System.Text;
using Scheduler.Actors;

namespace Scheduler.Nbd.Protocol;

/// <summary>
/// What a client is told of an export, and what its requests are checked against. Valid once constructed.
/// </summary>
public sealed class ExportInfo
{
    private const int MinBlockBytesMax = 65536;
    private const int PreferredBlockBytesMin = 512;

    /// <summary>Describes an export (section "Size constraints").</summary>
    /// <param name="name">1 to 4096 bytes of UTF-8 without NUL.</param>
    /// <param name="size">Bytes; a multiple of <paramref name="minBlock"/>, else its last bytes could not be
    /// reached.</param>
    /// <param name="minBlock">Granularity of offsets and lengths in bytes: a power of two up to 65536.</param>
    /// <param name="preferredBlock">Bytes of the smallest efficient request: a power of two of at least 512 and
    /// <paramref name="minBlock"/>.</param>
    /// <param name="maxPayload">Longest read or write in bytes, from <paramref name="preferredBlock"/> to
    /// <see cref="NbdConstants.PayloadBytesMax"/>.</param>
    /// <param name="readOnly">Whether writes are refused.</param>
    /// <param name="description">A text for people, to 4096 bytes of UTF-8 without NUL; may be empty.</param>
    /// <param name="order">The ordered mode of the disk.</param>
    /// <exception cref="ArgumentException">A value is outside what its parameter says.</exception>
    public ExportInfo(
        string name,
        long size,
        int minBlock = 512,
        int preferredBlock = 4096,
        int maxPayload = NbdConstants.PayloadBytesMax,
        bool readOnly = false,
        string description = "",
        RingOrder order = RingOrder.FlushFua)
    {
        Require(name.Length > 0 && IsString(name), "is not a name of 1 to 4096 bytes without NUL", nameof(name));
        Require(
            BitOperations.IsPow2(minBlock) && minBlock <= MinBlockBytesMax,
            "is not a power of two up to 65536", nameof(minBlock));
        Require(size >= 0 && size % minBlock == 0, "is not a multiple of the minimum block", nameof(size));
        Require(
            BitOperations.IsPow2(preferredBlock) && preferredBlock >= Math.Max(minBlock, PreferredBlockBytesMin),
            "is not a power of two of at least 512 and the minimum block", nameof(preferredBlock));
        Require(
            maxPayload >= preferredBlock && maxPayload <= NbdConstants.PayloadBytesMax,
            "is not between the preferred block and 32 MiB", nameof(maxPayload));
        Require(IsString(description), "is longer than 4096 bytes or has a NUL", nameof(description));

        Name = name;
        Size = size;
        MinBlock = minBlock;
        PreferredBlock = preferredBlock;
        MaxPayload = maxPayload;
        ReadOnly = readOnly;
        Description = description;
        Order = order;
    }

    /// <summary>The canonical name.</summary>
    public string Name { get; }

    /// <summary>Bytes; a multiple of <see cref="MinBlock"/>.</summary>
    public long Size { get; }

    /// <summary>Offsets and lengths are multiples of this many bytes; a power of two.</summary>
    public int MinBlock { get; }

    /// <summary>Requests of multiples of this many bytes are efficient; a power of two.</summary>
    public int PreferredBlock { get; }

    /// <summary>Longest read or write in bytes.</summary>
    public int MaxPayload { get; }

    /// <summary>Whether writes, trims and write-zeroes fail with <see cref="NbdError.EPERM"/>.</summary>
    public bool ReadOnly { get; }

    /// <summary>A text for people; may be empty.</summary>
    public string Description { get; }

    /// <summary>The ordered mode of the disk.</summary>
    public RingOrder Order { get; }

    /// <summary>The flags that a client sees.</summary>
    /// <param name="negotiated">What this client negotiated so far.</param>
    /// <returns>What <see cref="ProtocolMap"/> says of the disk's mode. A read-only export offers nothing that writes.</returns>
    public TransmissionFlags FlagsFor(Negotiated negotiated)
    {
        const TransmissionFlags Writing = TransmissionFlags.SendTrim | TransmissionFlags.SendWriteZeroes | TransmissionFlags.SendFastZero;
        TransmissionFlags flags = TransmissionFlags.HasFlags | (TransmissionFlags)ProtocolMap.NbdFlags(Order);
        if (ReadOnly)
            flags = (flags & ~Writing) | TransmissionFlags.ReadOnly;
        if (negotiated.StructuredReplies)
            flags |= TransmissionFlags.SendDontFragment;
        return flags;
    }

    private static bool IsString(string text) =>
        Encoding.UTF8.GetByteCount(text) <= NbdConstants.StringBytesMax && !text.Contains('\0');

    private static void Require(bool holds, string otherwise, string parameter)
    {
        if (!holds)
            throw new ArgumentException($"The export's {parameter} {otherwise}.", parameter);
    }
}
