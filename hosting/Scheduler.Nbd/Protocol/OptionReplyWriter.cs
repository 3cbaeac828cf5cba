using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Scheduler.Nbd.Protocol;

/// <summary>
/// Writes what the server says during the handshake (sections "Newstyle negotiation", "Option reply types").
/// </summary>
internal static class OptionReplyWriter
{
    private const int HeaderBytes = 20;

    public static void Greeting(IBufferWriter<byte> output, HandshakeFlags flags)
    {
        Span<byte> message = output.GetSpan(18);
        BinaryPrimitives.WriteUInt64BigEndian(message, NbdConstants.InitMagic);
        BinaryPrimitives.WriteUInt64BigEndian(message[8..], NbdConstants.OptionMagic);
        BinaryPrimitives.WriteUInt16BigEndian(message[16..], (ushort)flags);
        output.Advance(18);
    }

    /// <summary>The reply to <see cref="NbdOption.ExportName"/>, which has a form of its own.</summary>
    public static void ExportName(IBufferWriter<byte> output, ExportInfo export, TransmissionFlags flags, bool padded)
    {
        int bytes = 10 + (padded ? NbdConstants.ExportNamePaddingBytes : 0);
        Span<byte> message = output.GetSpan(bytes);
        BinaryPrimitives.WriteInt64BigEndian(message, export.Size);
        BinaryPrimitives.WriteUInt16BigEndian(message[8..], (ushort)flags);
        message[10..bytes].Clear();
        output.Advance(bytes);
    }

    public static void Ack(IBufferWriter<byte> output, NbdOption option)
    {
        Header(output, option, NbdOptionReply.Ack, 0);
        output.Advance(HeaderBytes);
    }

    /// <summary>
    /// An error, with a text for the person in front of the client; empty where the number says it all.
    /// </summary>
    public static void Error(
        IBufferWriter<byte> output, NbdOption option, NbdOptionReply error, ReadOnlySpan<byte> message = default)
    {
        Span<byte> payload = Header(output, option, error, message.Length);
        message.CopyTo(payload);
        output.Advance(HeaderBytes + message.Length);
    }

    /// <summary>One export of a list: its name, and what is left of the reply is its description.</summary>
    public static void Server(IBufferWriter<byte> output, ExportInfo export)
    {
        int nameBytes = Encoding.UTF8.GetByteCount(export.Name);
        int bytes = 4 + nameBytes + Encoding.UTF8.GetByteCount(export.Description);
        Span<byte> payload = Header(output, NbdOption.List, NbdOptionReply.Server, bytes);
        BinaryPrimitives.WriteInt32BigEndian(payload, nameBytes);
        Encoding.UTF8.GetBytes(export.Name, payload[4..]);
        Encoding.UTF8.GetBytes(export.Description, payload[(4 + nameBytes)..]);
        output.Advance(HeaderBytes + bytes);
    }

    public static void ExportInfo(
        IBufferWriter<byte> output, NbdOption option, ExportInfo export, TransmissionFlags flags)
    {
        Span<byte> payload = Info(output, option, NbdInfo.Export, 10);
        BinaryPrimitives.WriteInt64BigEndian(payload, export.Size);
        BinaryPrimitives.WriteUInt16BigEndian(payload[8..], (ushort)flags);
        output.Advance(HeaderBytes + 2 + 10);
    }

    public static void BlockSizeInfo(IBufferWriter<byte> output, NbdOption option, ExportInfo export)
    {
        Span<byte> payload = Info(output, option, NbdInfo.BlockSize, 12);
        BinaryPrimitives.WriteInt32BigEndian(payload, export.MinBlock);
        BinaryPrimitives.WriteInt32BigEndian(payload[4..], export.PreferredBlock);
        BinaryPrimitives.WriteInt32BigEndian(payload[8..], export.MaxPayload);
        output.Advance(HeaderBytes + 2 + 12);
    }

    public static void TextInfo(IBufferWriter<byte> output, NbdOption option, NbdInfo info, string text)
    {
        int bytes = Encoding.UTF8.GetByteCount(text);
        Span<byte> payload = Info(output, option, info, bytes);
        Encoding.UTF8.GetBytes(text, payload);
        output.Advance(HeaderBytes + 2 + bytes);
    }

    public static void MetaContext(IBufferWriter<byte> output, NbdOption option, uint id, ReadOnlySpan<byte> name)
    {
        Span<byte> payload = Header(output, option, NbdOptionReply.MetaContext, 4 + name.Length);
        BinaryPrimitives.WriteUInt32BigEndian(payload, id);
        name.CopyTo(payload[4..]);
        output.Advance(HeaderBytes + 4 + name.Length);
    }

    /// <summary>Begins an info reply; returns the room after its type.</summary>
    private static Span<byte> Info(IBufferWriter<byte> output, NbdOption option, NbdInfo info, int bytes)
    {
        Span<byte> payload = Header(output, option, NbdOptionReply.Info, 2 + bytes);
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)info);
        return payload[2..];
    }

    /// <summary>Writes a reply's header and returns the room for its payload; the caller advances over both.</summary>
    private static Span<byte> Header(
        IBufferWriter<byte> output, NbdOption option, NbdOptionReply type, int payloadBytes)
    {
        Span<byte> message = output.GetSpan(HeaderBytes + payloadBytes)[..(HeaderBytes + payloadBytes)];
        BinaryPrimitives.WriteUInt64BigEndian(message, NbdConstants.OptionReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(message[8..], (uint)option);
        BinaryPrimitives.WriteUInt32BigEndian(message[12..], (uint)type);
        BinaryPrimitives.WriteInt32BigEndian(message[16..], payloadBytes);
        return message[HeaderBytes..];
    }
}
