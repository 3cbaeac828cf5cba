using System.Net.Sockets;
using System.Text;

namespace Scheduler.Interop.Tests.Harness;

/// <summary>A socket as systemd gives one to a service, and what came there.</summary>
internal sealed class NotifySocket : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly List<string> _lines = [];
    private readonly Task _receiver;

    public NotifySocket(string path)
    {
        Variable = $"NOTIFY_SOCKET={path}";
        _socket.Bind(new UnixDomainSocketEndPoint(path));
        _receiver = Task.Factory.StartNew(Receive, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The variable that names it.</summary>
    public string Variable { get; }

    /// <summary>All lines so far.</summary>
    public string[] Lines
    {
        get
        {
            lock (_lines)
                return [.. _lines];
        }
    }

    /// <summary>How often a line came.</summary>
    public int Count(string line) => Lines.Count(other => other == line);

    /// <summary>Waits until a line has come so often.</summary>
    public void WaitFor(string line, int times)
    {
        DateTime limit = DateTime.UtcNow + TimeSpan.FromSeconds(30);
        while (Count(line) < times)
        {
            Assert.True(DateTime.UtcNow < limit, $"{line} came {Count(line)} times of {times}\n{string.Join('\n', Lines)}");
            Thread.Sleep(10);
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _receiver.Wait();
    }

    private void Receive()
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (true)
            {
                string[] lines = Encoding.UTF8.GetString(buffer, 0, _socket.Receive(buffer)).Split('\n');
                lock (_lines)
                    _lines.AddRange(lines);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
