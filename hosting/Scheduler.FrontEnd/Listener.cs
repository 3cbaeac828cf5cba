using System.Net;
using System.Net.Sockets;
using Scheduler.Storage.Loop;

namespace Scheduler.FrontEnd;

/// <summary>Who is told of what a listening socket accepts.</summary>
internal interface IListenerOwner
{
    /// <summary>The configuration key of its addresses, for errors.</summary>
    string ListenKey { get; }

    /// <summary>A client has connected. On the loop.</summary>
    /// <param name="socket">The connection, not blocking; the owner's now.</param>
    /// <param name="peer">For the log.</param>
    /// <param name="isUnix">Whether it came over a Unix socket.</param>
    /// <exception cref="InvalidOperationException">The kernel watches no more descriptors; the connection is the listener's to close.</exception>
    void Accepted(int socket, string peer, bool isUnix);

    /// <summary>Nothing can be accepted for a moment: the process or the kernel is out of something.</summary>
    /// <param name="local">Where it listens.</param>
    void AcceptFailed(EndPoint local);
}

/// <summary>One listening socket.</summary>
internal sealed class Listener : ILoopDescriptor, ILoopWork
{
    // How long it pauses when there are no descriptors: a level-triggered socket would be reported again at once.
    private const long PauseNs = 100_000_000;

    private readonly IListenerOwner _owner;
    private readonly EventLoop _loop;
    private readonly Socket _socket;
    private readonly string? _path;
    private readonly UnixFileMode _ownMode;
    private LoopTimer? _pause;
    private int _handle = -1;
    private bool _closed;
    private long _accepted;

    /// <param name="owner">Told of connections.</param>
    /// <param name="loop">Where it accepts.</param>
    /// <param name="endpoint">Where it listens.</param>
    /// <param name="type">Stream, or on a Unix socket SeqPacket.</param>
    public Listener(IListenerOwner owner, EventLoop loop, EndPoint endpoint, SocketType type = SocketType.Stream)
    {
        _owner = owner;
        _loop = loop;
        bool unix = endpoint is UnixDomainSocketEndPoint;
        _path = unix ? endpoint.ToString() : null;
        _socket = new Socket(endpoint.AddressFamily, type, unix ? ProtocolType.Unspecified : ProtocolType.Tcp) { Blocking = false };
        try
        {
            // The runtime's ReuseAddress is left alone: it means SO_REUSEPORT too, and a second service would get a part of
            // the connections.
            if (_path is not null)
                UnixSocketFile.Prepare(_path);
            _socket.Bind(endpoint);
            if (_path is not null && !OperatingSystem.IsWindows())
                _ownMode = File.GetUnixFileMode(_path);
            if (unix)
                SocketCalls.RefuseDescriptors((int)_socket.Handle);
            _socket.Listen(1024);
        }
        catch (SocketException exception)
        {
            _socket.Dispose();
            throw new IOException($"can't listen on {endpoint}: {exception.Message}; choose another in {owner.ListenKey}", exception);
        }

        Local = _socket.LocalEndPoint!;
    }

    public EndPoint Local { get; }

    /// <summary>Lets all users of the machine connect to a Unix socket, or only those that the umask let.</summary>
    public void LetUsersIn(bool all)
    {
        if (_path is null || OperatingSystem.IsWindows())
            return;
        try
        {
            File.SetUnixFileMode(_path, all ? (UnixFileMode)0b110_110_110 : _ownMode);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            // Somebody has removed it: nobody connects there any more.
        }
    }

    /// <summary>Begins to accept. On the loop.</summary>
    public void Watch()
    {
        _pause = _loop.AddTimer(this);
        _handle = _loop.Watch((int)_socket.Handle, this, LoopReady.Readable);
    }

    public void OnReady(LoopReady ready)
    {
        int socket = SocketCalls.Accept((int)_socket.Handle);
        if (socket == -1)
            return;
        if (socket == -2)
        {
            Pause();
            return;
        }

        try
        {
            _owner.Accepted(socket, $"{Local}#{++_accepted}", _path is not null);
        }
        catch (InvalidOperationException)
        {
            // The kernel watches no more descriptors.
            _ = SocketCalls.close(socket);
            Pause();
        }
    }

    /// <summary>The pause is over.</summary>
    void ILoopWork.Run()
    {
        if (!_closed)
            _loop.Change(_handle, LoopReady.Readable);
    }

    public void Close()
    {
        if (_closed)
            return;
        _closed = true;
        if (_handle >= 0)
            _loop.Unwatch(_handle);
        _socket.Dispose();
        if (_path is null)
            return;
        try
        {
            File.Delete(_path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The next start removes it.
        }
    }

    private void Pause()
    {
        _owner.AcceptFailed(Local);
        _loop.Change(_handle, LoopReady.None);
        _pause!.DueNs = EventLoop.NowNs + PauseNs;
    }
}
