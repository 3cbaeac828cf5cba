using System.Buffers.Binary;

namespace Scheduler.Nbd.Protocol;

/// <summary>
/// Writes replies to requests into buffers of the caller (sections "Simple reply message", "Structured reply chunk
/// message"). Every reply is one simple message or one chunk with the flag DONE. Each method returns the bytes
/// written, and throws <see cref="ArgumentException"/> if the buffer is shorter than its constant says.
/// </summary>
public static class ReplyWriter
{
    /// <summary>Bytes of a simple reply; data of a successful read follows.</summary>
    public const int SimpleBytes = 16;

    /// <summary>Bytes before a chunk's payload.</summary>
    public const int ChunkHeaderBytes = 20;

    /// <summary>Bytes before the data of a chunk with data.</summary>
    public const int OffsetDataHeaderBytes = ChunkHeaderBytes + 8;

    /// <summary>
    /// Longest message with an error, in bytes of UTF-8; what is longer is cut. The protocol allows 4096.
    /// </summary>
    public const int MessageBytesMax = 256;

    /// <summary>Longest error chunk.</summary>
    public const int ErrorBytesMax = ChunkHeaderBytes + 6 + MessageBytesMax;

    /// <summary>Longest of what comes before the data of a read.</summary>
    public const int ReadHeaderBytesMax = OffsetDataHeaderBytes;

    /// <summary>Longest result without data.</summary>
    public const int ResultBytesMax = ErrorBytesMax;

    private const ushort Done = 1;
    private const int ExtentBytes = 8;

    /// <summary>Length of a block status reply.</summary>
    /// <param name="extents">Number of extents.</param>
    /// <returns>Bytes.</returns>
    public static int BlockStatusBytes(int extents) => ChunkHeaderBytes + 4 + (extents * ExtentBytes);

    /// <summary>
    /// What comes before the data of a successful read: simple or structured as negotiated. The data follows on the
    /// wire, all of it, so it must have been read already: after this header an error cannot be told any more.
    /// </summary>
    /// <param name="destination">At least <see cref="ReadHeaderBytesMax"/>.</param>
    /// <param name="request">The read.</param>
    /// <param name="negotiated">What the handshake agreed on.</param>
    /// <returns>Bytes written.</returns>
    public static int ReadHeader(Span<byte> destination, in RequestHeader request, Negotiated negotiated) =>
        negotiated.StructuredReplies
            ? OffsetData(destination, request.Cookie, request.Offset, request.Length)
            : Simple(destination, request.Cookie, NbdError.None);

    /// <summary>
    /// A result without data, in the form that the command and the negotiation demand: for anything but a successful
    /// read or block status. Errors are told in chunks where the client knows them, success in the shorter simple
    /// reply.
    /// </summary>
    /// <param name="destination">At least <see cref="ResultBytesMax"/>.</param>
    /// <param name="request">The request.</param>
    /// <param name="negotiated">What the handshake agreed on.</param>
    /// <param name="error">The result.</param>
    /// <param name="message">UTF-8 for people, if it is an error; only chunks carry it.</param>
    /// <returns>Bytes written.</returns>
    public static int Result(
        Span<byte> destination,
        in RequestHeader request,
        Negotiated negotiated,
        NbdError error,
        ReadOnlySpan<byte> message = default)
    {
        if (error == NbdError.None && request.Command is NbdCommand.Read or NbdCommand.BlockStatus)
            throw new ArgumentException("A successful read or block status has data.", nameof(error));
        return negotiated.StructuredReplies && error != NbdError.None
            ? Error(destination, request.Cookie, error, message)
            : Simple(destination, request.Cookie, error);
    }

    /// <summary>A simple reply.</summary>
    /// <param name="destination">At least <see cref="SimpleBytes"/>.</param>
    /// <param name="cookie">The request's.</param>
    /// <param name="error">The result.</param>
    /// <returns><see cref="SimpleBytes"/>.</returns>
    public static int Simple(Span<byte> destination, ulong cookie, NbdError error)
    {
        Require(destination, SimpleBytes);
        BinaryPrimitives.WriteUInt32BigEndian(destination, NbdConstants.SimpleReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], (uint)error);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], cookie);
        return SimpleBytes;
    }

    /// <summary>The header of a chunk with all data of a read.</summary>
    /// <param name="destination">At least <see cref="OffsetDataHeaderBytes"/>.</param>
    /// <param name="cookie">The request's.</param>
    /// <param name="offset">The request's.</param>
    /// <param name="dataBytes">Bytes that follow, 1 to <see cref="NbdConstants.PayloadBytesMax"/>.</param>
    /// <returns><see cref="OffsetDataHeaderBytes"/>.</returns>
    public static int OffsetData(Span<byte> destination, ulong cookie, ulong offset, uint dataBytes)
    {
        ArgumentOutOfRangeException.ThrowIfZero(dataBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dataBytes, (uint)NbdConstants.PayloadBytesMax);
        Require(destination, OffsetDataHeaderBytes);
        Chunk(destination, ReplyChunkType.OffsetData, cookie, 8 + dataBytes);
        BinaryPrimitives.WriteUInt64BigEndian(destination[ChunkHeaderBytes..], offset);
        return OffsetDataHeaderBytes;
    }

    /// <summary>A chunk that says only that the request succeeded.</summary>
    /// <param name="destination">At least <see cref="ChunkHeaderBytes"/>.</param>
    /// <param name="cookie">The request's.</param>
    /// <returns><see cref="ChunkHeaderBytes"/>.</returns>
    public static int None(Span<byte> destination, ulong cookie)
    {
        Require(destination, ChunkHeaderBytes);
        Chunk(destination, ReplyChunkType.None, cookie, 0);
        return ChunkHeaderBytes;
    }

    /// <summary>A chunk with the error of a whole request.</summary>
    /// <param name="destination">At least <see cref="ErrorBytesMax"/>.</param>
    /// <param name="cookie">The request's.</param>
    /// <param name="error">Not <see cref="NbdError.None"/>.</param>
    /// <param name="message">UTF-8 for people, may be empty; cut before the character that would pass
    /// <see cref="MessageBytesMax"/>.</param>
    /// <returns>Bytes written.</returns>
    public static int Error(Span<byte> destination, ulong cookie, NbdError error, ReadOnlySpan<byte> message)
    {
        ArgumentOutOfRangeException.ThrowIfEqual((uint)error, (uint)NbdError.None, nameof(error));
        Require(destination, ErrorBytesMax);
        message = CutMessage(message);
        Chunk(destination, ReplyChunkType.Error, cookie, 6 + (uint)message.Length);
        Span<byte> payload = destination[ChunkHeaderBytes..];
        BinaryPrimitives.WriteUInt32BigEndian(payload, (uint)error);
        BinaryPrimitives.WriteUInt16BigEndian(payload[4..], (ushort)message.Length);
        message.CopyTo(payload[6..]);
        return ChunkHeaderBytes + 6 + message.Length;
    }

    /// <summary>
    /// A chunk with what <c>base:allocation</c> says of the beginning of a range. Neighbours in the same state are
    /// joined and the whole is cut to the request's length and to the room in the buffer; a client asks again for what
    /// is missing.
    /// </summary>
    /// <param name="destination">At least <see cref="BlockStatusBytes"/> of 1; more room takes more extents.</param>
    /// <param name="request">The block status request.</param>
    /// <param name="extents">From the request's offset on. If there are none, the whole range is reported as data,
    /// which is always a safe answer.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">Also if an extent is empty or negative.</exception>
    public static int BlockStatus(Span<byte> destination, in RequestHeader request, ReadOnlySpan<StatusExtent> extents)
    {
        Require(destination, BlockStatusBytes(1));
        int room = (destination.Length - BlockStatusBytes(0)) / ExtentBytes;
        if ((request.Flags & NbdCommandFlags.RequestOne) != 0)
            room = 1;

        Span<byte> at = destination[BlockStatusBytes(0)..];
        int written = 0;
        long left = request.Length;
        for (int next = 0; next < extents.Length && left > 0 && written < room; written++)
        {
            BlockState state = extents[next].State;
            long length = TakeRun(extents, ref next, left);
            left -= length;
            WriteExtent(at[(written * ExtentBytes)..], (uint)length, state);
        }

        if (written == 0)
        {
            WriteExtent(at, request.Length, BlockState.Data);
            written = 1;
        }

        int bytes = BlockStatusBytes(written);
        Chunk(destination, ReplyChunkType.BlockStatus, request.Cookie, (uint)(bytes - ChunkHeaderBytes));
        BinaryPrimitives.WriteUInt32BigEndian(destination[ChunkHeaderBytes..], NbdConstants.BaseAllocationContextId);
        return bytes;
    }

    /// <summary>
    /// The length of the run of one state that starts at <paramref name="next"/>, at most <paramref name="max"/>.
    /// </summary>
    private static long TakeRun(ReadOnlySpan<StatusExtent> extents, ref int next, long max)
    {
        BlockState state = extents[next].State;
        long length = 0;
        while (next < extents.Length && extents[next].State == state && length < max)
        {
            long extent = extents[next++].Length;
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(extent, nameof(extents));
            length += Math.Min(extent, max - length);
        }

        return length;
    }

    private static void WriteExtent(Span<byte> destination, uint length, BlockState state)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, length);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], (uint)state);
    }

    private static void Chunk(Span<byte> destination, ReplyChunkType type, ulong cookie, uint payloadBytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, NbdConstants.StructuredReplyMagic);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], Done);
        BinaryPrimitives.WriteUInt16BigEndian(destination[6..], (ushort)type);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], cookie);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], payloadBytes);
    }

    private static ReadOnlySpan<byte> CutMessage(ReadOnlySpan<byte> message)
    {
        if (message.Length <= MessageBytesMax)
            return message;
        int end = MessageBytesMax;
        while (end > 0 && (message[end] & 0b1100_0000) == 0b1000_0000)
            end--;
        return message[..end];
    }

    private static void Require(Span<byte> destination, int bytes)
    {
        if (destination.Length < bytes)
            throw new ArgumentException($"{destination.Length} bytes where {bytes} are needed.", nameof(destination));
    }
}
