using System.Net;
using System.Net.Sockets;
using Scheduler.Host.Cluster.Link;

namespace Scheduler.Cluster.Tests.Link;

/// <summary>The other node, played by the test: it sends whatever it likes.</summary>
internal sealed class RawNode : IDisposable
{
    private readonly Socket _socket;

    private RawNode(Socket socket) => _socket = socket;

    /// <summary>Connects to an owner and says hello.</summary>
    public static async Task<RawNode> ConnectAsync(IPEndPoint owner, string name = "guest")
    {
        RawNode node = await ConnectSilentlyAsync(owner);
        node.Send(LinkHello.Encode(name));
        Assert.Equal("owner", await node.ReceiveHelloAsync());
        return node;
    }

    public static async Task<RawNode> ConnectSilentlyAsync(IPEndPoint owner)
    {
        Socket socket = new(owner.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(owner);
        return new RawNode(socket);
    }

    /// <summary>An owner: takes one connection.</summary>
    public static async Task<RawNode> AcceptAsync(Socket listener) => new(await listener.AcceptAsync().WaitAsync(TestTime.Max));

    /// <summary>The test's end, as the other one sees it.</summary>
    public string Address => _socket.LocalEndPoint!.ToString()!;

    public void Send(ReadOnlySpan<byte> bytes) => _socket.Send(bytes);

    public void Send(in LinkFrame frame, byte[]? payload = null)
    {
        byte[] bytes = new byte[LinkFrame.Bytes];
        frame.Encode(bytes);
        Send([.. bytes, .. payload ?? []]);
    }

    public async Task<string> ReceiveHelloAsync()
    {
        byte[] head = await ReceiveAsync(16);
        byte[] name = await ReceiveAsync(head[12]);
        Assert.Null(LinkHello.Decode([.. head, .. name], out string? node));
        return node!;
    }

    /// <summary>The next frame that is no Ping.</summary>
    public async Task<(LinkFrame Frame, byte[] Payload)> ReceiveAsync()
    {
        while (true)
        {
            Assert.Null(LinkFrame.Decode(await ReceiveAsync(LinkFrame.Bytes), out LinkFrame frame));
            byte[] payload = await ReceiveAsync(frame.PayloadBytes);
            if (frame.Type != LinkFrameType.Ping)
                return (frame, payload);
        }
    }

    /// <summary>Everything until the other side closes.</summary>
    public async Task<string> ReceiveToEndAsync()
    {
        byte[] buffer = new byte[4096];
        List<byte> all = [];
        try
        {
            for (int count; (count = await _socket.ReceiveAsync(buffer).WaitAsync(TestTime.Max)) > 0;)
                all.AddRange(buffer.AsSpan(0, count));
        }
        catch (SocketException)
        {
            // Closed with something unread.
        }

        return System.Text.Encoding.UTF8.GetString([.. all]);
    }

    public void Dispose() => _socket.Dispose();

    private async Task<byte[]> ReceiveAsync(int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            int received = await _socket.ReceiveAsync(bytes.AsMemory(at)).AsTask().WaitAsync(TestTime.Max);
            Assert.True(received > 0, "the connection was closed");
            at += received;
        }

        return bytes;
    }
}
