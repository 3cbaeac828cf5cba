using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Host.Tests.Running;

/// <summary>A client that speaks just enough NBD, with simple replies.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket;
    private ulong _cookie;

    public RawClient(EndPoint endpoint, string disk)
        : this(endpoint) =>
        _ = Open(disk);

    private RawClient(EndPoint endpoint)
    {
        _socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
        _socket.Connect(endpoint);
        _ = Receive(18);
    }

    /// <summary>One that has asked for nothing yet.</summary>
    public static RawClient Greeted(EndPoint endpoint) => new(endpoint);

    /// <summary>Asks for a disk.</summary>
    public bool Open(string disk)
    {
        byte[] name = Encoding.UTF8.GetBytes(disk);
        byte[] hello = new byte[4 + 16 + name.Length];

        // Fixed newstyle, no zeroes; then the option EXPORT_NAME.
        BinaryPrimitives.WriteUInt32BigEndian(hello, 3);
        BinaryPrimitives.WriteUInt64BigEndian(hello.AsSpan(4), NbdConstants.OptionMagic);
        BinaryPrimitives.WriteUInt32BigEndian(hello.AsSpan(12), (uint)NbdOption.ExportName);
        BinaryPrimitives.WriteUInt32BigEndian(hello.AsSpan(16), (uint)name.Length);
        name.CopyTo(hello, 20);
        _ = _socket.Send(hello);
        return IsOpen = TryReceive(10) is not null;
    }

    /// <summary>Whether the export was opened.</summary>
    public bool IsOpen { get; private set; }

    public void Send(NbdCommand command, ulong offset = 0, uint length = 0, byte fill = 0)
    {
        byte[] request = new byte[RequestHeader.Bytes + (command == NbdCommand.Write ? length : 0)];
        request.AsSpan(RequestHeader.Bytes).Fill(fill);
        BinaryPrimitives.WriteUInt32BigEndian(request, NbdConstants.RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(6), (ushort)command);
        BinaryPrimitives.WriteUInt64BigEndian(request.AsSpan(8), ++_cookie);
        BinaryPrimitives.WriteUInt64BigEndian(request.AsSpan(16), offset);
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(24), length);
        _ = _socket.Send(request);
    }

    /// <summary>The error of the next reply, or null if the connection has ended.</summary>
    public NbdError? TakeReply(int dataLength = 0)
    {
        byte[]? reply = TryReceive(16);
        if (reply is null)
            return null;
        Assert.Equal(NbdConstants.SimpleReplyMagic, BinaryPrimitives.ReadUInt32BigEndian(reply));
        NbdError error = (NbdError)BinaryPrimitives.ReadUInt32BigEndian(reply.AsSpan(4));
        if (error == NbdError.None)
            _ = Receive(dataLength);
        return error;
    }

    public NbdError? Call(NbdCommand command, ulong offset = 0, uint length = 0)
    {
        Send(command, offset, length);
        return TakeReply(command == NbdCommand.Read ? (int)length : 0);
    }

    /// <summary>Reads, and demands that it goes well.</summary>
    public byte[] Read(long offset, int length)
    {
        Send(NbdCommand.Read, (ulong)offset, (uint)length);
        Assert.Equal(NbdError.None, TakeReply());
        return Receive(length);
    }

    public void Dispose() => _socket.Dispose();

    private byte[] Receive(int count) => TryReceive(count) ?? throw new IOException("the connection has ended");

    private byte[]? TryReceive(int count)
    {
        byte[] bytes = new byte[count];
        int received = 0;
        while (received < count)
        {
            int part;
            try
            {
                part = _socket.Receive(bytes, received, count - received, SocketFlags.None);
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
            {
                return null;
            }

            if (part == 0)
                return null;
            received += part;
        }

        return bytes;
    }
}
