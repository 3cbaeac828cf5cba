using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Scheduler.Interop.Tests.Harness;

namespace Scheduler.Interop.Tests.Nbd;

/// <summary>
/// A client that does what it is told, also what no decent client would. It shares nothing with the service: numbers
/// and layouts are those of the NBD specification.
/// </summary>
internal sealed class NbdClient : IDisposable
{
    public const ushort Read = 0;
    public const ushort Write = 1;
    public const ushort Disconnect = 2;
    public const ushort Flush = 3;
    public const ushort Trim = 4;
    public const ushort Cache = 5;
    public const ushort WriteZeroes = 6;
    public const ushort BlockStatus = 7;

    public const ushort Fua = 1;

    public const uint EIO = 5;
    public const uint EINVAL = 22;
    public const uint ENOSPC = 28;
    public const uint ESHUTDOWN = 108;

    private const ulong GreetingMagic = 0x4e42444d41474943; // NBDMAGIC
    private const ulong OptionMagic = 0x49484156454f5054; // IHAVEOPT
    private const ulong OptionReplyMagic = 0x3e889045565a9;
    private const uint RequestMagic = 0x25609513;
    private const uint SimpleReplyMagic = 0x67446698;
    private const uint OptionStartTls = 5;
    private const uint OptionGo = 7;
    private const uint ReplyAck = 1;
    private const int RequestBytes = 28;

    private ulong _cookie;
    private SslStream? _tls;

    private NbdClient(Socket socket) => Socket = socket;

    public Socket Socket { get; }

    /// <summary>Subject of the certificate that the service has shown.</summary>
    public string? ServerName => _tls?.RemoteCertificate?.Subject;

    /// <summary>Connects, without a handshake.</summary>
    public static NbdClient Dial(ServiceProcess service, bool unix = false)
    {
        Socket socket = unix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        EndPoint endpoint = unix ? new UnixDomainSocketEndPoint(service.SocketPath) : service.Endpoint;
        try
        {
            socket.ReceiveTimeout = 20_000;
            socket.SendTimeout = 20_000;
            socket.Connect(endpoint);
            return new NbdClient(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects to a disk: fixed newstyle, no zeroes, GO, simple replies.</summary>
    public static NbdClient Open(ServiceProcess service, string disk, bool unix = false) => Open(service, disk, unix, _ => { });

    /// <summary>Connects to a disk inside TLS.</summary>
    /// <param name="service">The service.</param>
    /// <param name="disk">Its name.</param>
    /// <param name="certificate">The client's certificate; null: it shows none.</param>
    /// <param name="unix">Over the Unix socket.</param>
    public static NbdClient OpenTls(ServiceProcess service, string disk, X509Certificate2? certificate, bool unix = false) =>
        Open(service, disk, unix, client => client.StartTls(certificate));

    /// <summary>Asks for TLS and goes on inside it; whose certificate the server shows is other tests' to check.</summary>
    /// <param name="certificate">The client's certificate; null: it shows none.</param>
    /// <param name="protocols">Versions of TLS; by default what the system has.</param>
    public void StartTls(X509Certificate2? certificate, SslProtocols protocols = SslProtocols.None)
    {
        SendOption(OptionStartTls, []);
        Assert.Equal(ReplyAck, TakeOptionReplies());
        SslStream tls = new(new NetworkStream(Socket), false, (_, _, _, _) => true);
        tls.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = protocols,
            ClientCertificates = certificate is null ? [] : [certificate],
        });
        _tls = tls;
    }

    /// <summary>Takes the server's greeting and answers with the client's flags.</summary>
    public void TakeGreeting(uint clientFlags = 3)
    {
        byte[] greeting = Receive(18);
        Assert.Equal(GreetingMagic, BinaryPrimitives.ReadUInt64BigEndian(greeting));
        Assert.Equal(OptionMagic, BinaryPrimitives.ReadUInt64BigEndian(greeting.AsSpan(8)));
        byte[] flags = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(flags, clientFlags);
        SendAll(flags);
    }

    public void SendOption(uint option, byte[] data)
    {
        byte[] message = new byte[16 + data.Length];
        BinaryPrimitives.WriteUInt64BigEndian(message, OptionMagic);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), option);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(12), (uint)data.Length);
        data.CopyTo(message, 16);
        SendAll(message);
    }

    public static byte[] GoData(string disk)
    {
        byte[] name = Encoding.UTF8.GetBytes(disk);
        byte[] data = new byte[4 + name.Length + 2];
        BinaryPrimitives.WriteUInt32BigEndian(data, (uint)name.Length);
        name.CopyTo(data, 4);
        return data;
    }

    /// <summary>Takes replies to an option until its last one.</summary>
    /// <returns>The type of the last: 1 for success, with the top bit set for an error.</returns>
    public uint TakeOptionReplies()
    {
        while (true)
        {
            byte[] head = Receive(20);
            Assert.Equal(OptionReplyMagic, BinaryPrimitives.ReadUInt64BigEndian(head));
            uint type = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12));
            _ = Receive(BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(16)));
            if (type == ReplyAck || (type & 0x80000000) != 0)
                return type;
        }
    }

    /// <summary>The bytes of a request.</summary>
    public static byte[] Request(
        ushort command, ushort flags, ulong cookie, ulong offset, uint length, ReadOnlySpan<byte> payload = default)
    {
        byte[] message = new byte[RequestBytes + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(message, RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(4), flags);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(6), command);
        BinaryPrimitives.WriteUInt64BigEndian(message.AsSpan(8), cookie);
        BinaryPrimitives.WriteUInt64BigEndian(message.AsSpan(16), offset);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(24), length);
        payload.CopyTo(message.AsSpan(RequestBytes));
        return message;
    }

    /// <summary>Sends a request and does not wait.</summary>
    /// <returns>Its cookie.</returns>
    public ulong Send(ushort command, ushort flags, ulong offset, uint length, ReadOnlySpan<byte> payload = default)
    {
        byte[] message = Request(command, flags, ++_cookie, offset, length, payload);
        SendAll(message);
        return _cookie;
    }

    public void SendAll(ReadOnlySpan<byte> bytes)
    {
        if (_tls is not null)
        {
            _tls.Write(bytes);
            return;
        }

        while (!bytes.IsEmpty)
            bytes = bytes[Socket.Send(bytes)..];
    }

    /// <summary>Takes the head of a simple reply.</summary>
    public (ulong Cookie, uint Error) TakeReply()
    {
        byte[] head = Receive(16);
        Assert.Equal(SimpleReplyMagic, BinaryPrimitives.ReadUInt32BigEndian(head));
        uint error = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(4));
        return (BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(8)), error);
    }

    /// <summary>Sends one request and takes its reply; nothing else may be in flight.</summary>
    /// <returns>The error, 0 for success.</returns>
    public uint Call(
        ushort command, ulong offset = 0, uint length = 0, ReadOnlySpan<byte> payload = default, ushort flags = 0)
    {
        ulong cookie = Send(command, flags, offset, length, payload);
        (ulong answered, uint error) = TakeReply();
        Assert.Equal(cookie, answered);
        return error;
    }

    public uint CallWrite(ulong offset, byte[] data, ushort flags = 0) =>
        Call(Write, offset, (uint)data.Length, data, flags);

    /// <summary>Reads; an error fails the test.</summary>
    public byte[] CallRead(ulong offset, int length)
    {
        Assert.Equal(0u, Call(Read, offset, (uint)length));
        return Receive(length);
    }

    public byte[] Receive(int count)
    {
        byte[] bytes = new byte[count];
        for (int received = 0; received < count;)
        {
            int more = _tls is not null
                ? _tls.Read(bytes, received, count - received)
                : Socket.Receive(bytes, received, count - received, SocketFlags.None);
            if (more == 0)
                throw new EndOfStreamException($"the service closed the connection {received} bytes into {count}");
            received += more;
        }

        return bytes;
    }

    /// <summary>Whether the service closes the connection, whatever it sends before that.</summary>
    public bool IsClosedWithin(TimeSpan limit)
    {
        byte[] rest = new byte[4096];
        Socket.ReceiveTimeout = (int)limit.TotalMilliseconds;
        try
        {
            while (Socket.Receive(rest) > 0)
            {
            }

            return true;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode is not (SocketError.TimedOut or SocketError.WouldBlock);
        }
    }

    public void Dispose()
    {
        Socket.Dispose();
        _tls?.Dispose();
    }

    private static NbdClient Open(ServiceProcess service, string disk, bool unix, Action<NbdClient> afterGreeting)
    {
        NbdClient client = Dial(service, unix);
        try
        {
            client.TakeGreeting();
            afterGreeting(client);
            client.SendOption(OptionGo, GoData(disk));
            uint last = client.TakeOptionReplies();
            Assert.True(last == ReplyAck, $"disk {disk}: option reply {last:x}");
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }
}
