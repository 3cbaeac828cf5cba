using Scheduler.Storage.Loop;

namespace Scheduler.Xen.Server;

/// <summary>A connection until its disk is known, on the server's own loop. Its time is bounded.</summary>
internal sealed unsafe class HelloConnection : ILoopDescriptor, ILoopWork
{
    private readonly RingServer _server;
    private readonly EventLoop _loop;
    private readonly int _handle;
    private readonly LoopTimer _timer;
    private bool _ended;

    public HelloConnection(RingServer server, EventLoop loop, int socket, string peer, uint? user, TimeSpan timeLimit)
    {
        _server = server;
        _loop = loop;
        Socket = socket;
        Peer = peer;
        User = user;
        _handle = loop.Watch(socket, this, LoopReady.Readable);
        _timer = loop.AddTimer(this);
        _timer.DueNs = EventLoop.NowNs + (long)timeLimit.TotalNanoseconds;
    }

    /// <summary>The connection; whoever has left the loop with it closes it.</summary>
    public int Socket { get; }

    /// <summary>For the log.</summary>
    public string Peer { get; }

    /// <summary>Who is at the other end; null if the kernel does not say.</summary>
    public uint? User { get; }

    public void OnReady(LoopReady ready)
    {
        byte* message = stackalloc byte[Hello.BytesMax + 1];
        int count = SocketCalls.Receive(Socket, (nint)message, Hello.BytesMax + 1);
        if (count == -1)
            return;
        if (!Leave())
            return;
        if (count <= 0)
            _server.Refuse(this, "the guest has gone", answer: false);
        else if (Hello.TryRead(new ReadOnlySpan<byte>(message, count), out Hello hello) is { } wrong)
            _server.Refuse(this, wrong);
        else
            _server.Greeted(this, hello);
    }

    /// <summary>The time limit is over.</summary>
    void ILoopWork.Run() => End("it has said nothing for too long");

    /// <summary>Ends the connection.</summary>
    /// <param name="reason">Why.</param>
    public void End(string reason)
    {
        if (Leave())
            _server.Refuse(this, reason);
    }

    private bool Leave()
    {
        if (_ended)
            return false;
        _ended = true;
        _loop.RemoveTimer(_timer);
        _loop.Unwatch(_handle);
        return true;
    }
}
