using System.Buffers.Binary;

namespace Scheduler.Nbd.Protocol;

/// <summary>
/// The 28 bytes that begin a request (section "Request message"), as the client sent them and not checked yet: that is
/// <see cref="RequestCheck"/>'s.
/// </summary>
/// <param name="Magic">Ought to be <see cref="NbdConstants.RequestMagic"/>.</param>
/// <param name="Flags">Modifiers; may have unknown bits.</param>
/// <param name="Command">What to do; may be unknown.</param>
/// <param name="Cookie">Opaque; comes back in the reply.</param>
/// <param name="Offset">First byte.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct RequestHeader(
    uint Magic, NbdCommandFlags Flags, NbdCommand Command, ulong Cookie, ulong Offset, uint Length)
{
    /// <summary>Bytes of a header on the wire.</summary>
    public const int Bytes = 28;

    /// <summary>Reads a header.</summary>
    /// <param name="source">Starts at the header; may be longer.</param>
    /// <param name="header">The header, if there are bytes enough.</param>
    /// <returns>False if <paramref name="source"/> holds fewer than <see cref="Bytes"/>.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out RequestHeader header)
    {
        if (source.Length < Bytes)
        {
            header = default;
            return false;
        }

        header = new RequestHeader(
            BinaryPrimitives.ReadUInt32BigEndian(source),
            (NbdCommandFlags)BinaryPrimitives.ReadUInt16BigEndian(source[4..]),
            (NbdCommand)BinaryPrimitives.ReadUInt16BigEndian(source[6..]),
            BinaryPrimitives.ReadUInt64BigEndian(source[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(source[16..]),
            BinaryPrimitives.ReadUInt32BigEndian(source[24..]));
        return true;
    }
}
