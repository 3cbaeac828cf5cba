// The least of NBD that a load needs: fixed newstyle, GO, simple replies (doc/proto.md of github.com/NetworkBlockDevice/nbd).
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Host.Load;

/// <summary>A guest with an NBD connection.</summary>
internal sealed class NbdLoadClient : ILoadClient
{
    private const int ReplyBytes = 16;
    private const int TimeoutMs = 60_000;

    private readonly Socket _socket;
    private readonly int _blockBytes;
    private readonly byte[] _data;
    private readonly LoadOp[] _ops;
    private readonly byte[] _out;
    private readonly byte[] _in;
    private int _outCount;
    private int _inCount;

    public NbdLoadClient(EndPoint endpoint, string disk, int depth, int blockBytes)
    {
        bool unix = endpoint is UnixDomainSocketEndPoint;
        _blockBytes = blockBytes;
        _data = new byte[blockBytes];
        new Random(1).NextBytes(_data);
        _ops = new LoadOp[depth];
        _out = new byte[depth * (RequestHeader.Bytes + blockBytes)];
        _in = new byte[depth * (ReplyBytes + blockBytes)];
        _socket = new Socket(endpoint.AddressFamily, SocketType.Stream, unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            _socket.ReceiveTimeout = _socket.SendTimeout = TimeoutMs;
            if (!unix)
                _socket.NoDelay = true;
            _socket.Connect(endpoint);
            Size = Choose(disk);
            ServicePid = unix ? PeerProcess.Of(_socket) : null;
        }
        catch (SocketException e)
        {
            _socket.Dispose();
            throw new LoadException($"{endpoint}: {e.Message}");
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    public long Size { get; }

    public bool TakesBarriers => false;

    public int? ServicePid { get; }

    public void Add(int slot, LoadOp op, long offset)
    {
        _ops[slot] = op;
        Span<byte> header = _out.AsSpan(_outCount, RequestHeader.Bytes);
        BinaryPrimitives.WriteUInt32BigEndian(header, NbdConstants.RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(header[6..], (ushort)(op switch { LoadOp.Read => NbdCommand.Read, LoadOp.Write => NbdCommand.Write, _ => NbdCommand.Flush }));
        BinaryPrimitives.WriteUInt64BigEndian(header[8..], (ulong)slot);
        BinaryPrimitives.WriteUInt64BigEndian(header[16..], op == LoadOp.Flush ? 0 : (ulong)offset);
        BinaryPrimitives.WriteUInt32BigEndian(header[24..], op == LoadOp.Flush ? 0 : (uint)_blockBytes);
        _outCount += RequestHeader.Bytes;
        if (op != LoadOp.Write)
            return;
        _data.CopyTo(_out.AsSpan(_outCount));
        _outCount += _blockBytes;
    }

    public void Send()
    {
        SendAll(_out.AsSpan(0, _outCount));
        _outCount = 0;
    }

    public int Wait(Span<int> slots)
    {
        int count = 0;
        while (count == 0)
        {
            _inCount += Receive(_in.AsSpan(_inCount));
            int taken = 0;
            while (count < slots.Length && TryTake(_in.AsSpan(taken, _inCount - taken), out int slot, out int bytes))
            {
                slots[count++] = slot;
                taken += bytes;
            }

            _in.AsSpan(taken, _inCount - taken).CopyTo(_in);
            _inCount -= taken;
        }

        return count;
    }

    public void Dispose() => _socket.Dispose();

    private bool TryTake(ReadOnlySpan<byte> input, out int slot, out int bytes)
    {
        (slot, bytes) = (-1, ReplyBytes);
        if (input.Length < ReplyBytes)
            return false;
        if (BinaryPrimitives.ReadUInt32BigEndian(input) != NbdConstants.SimpleReplyMagic)
            throw new LoadException("the service has sent what is no reply");
        ulong cookie = BinaryPrimitives.ReadUInt64BigEndian(input[8..]);
        if (cookie >= (ulong)_ops.Length)
            throw new LoadException($"the service has answered a request {cookie} that there is not");
        slot = (int)cookie;
        if (BinaryPrimitives.ReadUInt32BigEndian(input[4..]) != 0)
            slot = ~slot;
        else if (_ops[slot] == LoadOp.Read)
            bytes += _blockBytes;
        return input.Length >= bytes;
    }

    private long Choose(string disk)
    {
        byte[] greeting = new byte[18];
        ReceiveAll(greeting);
        if (BinaryPrimitives.ReadUInt64BigEndian(greeting) != NbdConstants.InitMagic)
            throw new LoadException("who answers there does not speak NBD");
        byte[] name = Encoding.UTF8.GetBytes(disk);
        byte[] message = new byte[4 + 16 + 4 + name.Length + 2];
        BinaryPrimitives.WriteUInt32BigEndian(message, 3);
        BinaryPrimitives.WriteUInt64BigEndian(message.AsSpan(4), NbdConstants.OptionMagic);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(12), (uint)NbdOption.Go);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(16), (uint)(4 + name.Length + 2));
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(20), (uint)name.Length);
        name.CopyTo(message, 24);
        SendAll(message);
        long size = -1;
        while (true)
        {
            byte[] head = new byte[20];
            ReceiveAll(head);
            uint type = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12));
            byte[] data = new byte[Math.Min(1 << 16, BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(16)))];
            ReceiveAll(data);
            if (type == (uint)NbdOptionReply.Ack)
                return size;
            if (type != (uint)NbdOptionReply.Info)
                throw new LoadException($"disk {disk}: the service refuses it: {Encoding.UTF8.GetString(data)}");

            // NBD_INFO_EXPORT.
            if (data.Length >= 10 && BinaryPrimitives.ReadUInt16BigEndian(data) == 0)
                size = BinaryPrimitives.ReadInt64BigEndian(data.AsSpan(2));
        }
    }

    private void SendAll(ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
                bytes = bytes[_socket.Send(bytes)..];
        }
        catch (SocketException e)
        {
            throw new LoadException($"the service has gone: {e.Message}");
        }
    }

    private void ReceiveAll(Span<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[Receive(bytes)..];
    }

    private int Receive(Span<byte> bytes)
    {
        try
        {
            int count = _socket.Receive(bytes);
            return count > 0 ? count : throw new LoadException("the service has closed a connection");
        }
        catch (SocketException e)
        {
            throw new LoadException($"the service has gone, or answers nothing: {e.Message}");
        }
    }
}
