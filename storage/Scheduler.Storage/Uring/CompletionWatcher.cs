using Scheduler.Storage.Native;

namespace Scheduler.Storage.Uring;

/// <summary>
/// A thread that waits for completions of an io_uring and then calls the owner, where no loop does. It waits only while the
/// owner asks for it: the descriptor stays readable until the owner has reaped.
/// </summary>
internal sealed unsafe class CompletionWatcher : IDisposable
{
    private const int StackBytes = 64 * 1024;

    private readonly int _descriptor;
    private readonly Action _ready;
    private readonly Thread _thread;
    private readonly int _wake;
    private int _armed;
    private volatile bool _stopping;

    /// <param name="descriptor">The io_uring.</param>
    /// <param name="ready">Called on the thread.</param>
    public CompletionWatcher(int descriptor, Action ready)
    {
        _descriptor = descriptor;
        _ready = ready;
        _wake = LibC.EventFd(0, LibC.EventFdCloseOnExec | LibC.EventFdNonBlocking);
        if (_wake < 0)
            throw new InvalidOperationException($"eventfd: {FileCalls.Describe(LibC.LastError)}");
        _thread = new Thread(Watch, StackBytes) { IsBackground = true, Name = "volume-uring" };
        _thread.Start();
    }

    /// <summary>The owner wants to be called, once, when there is a completion.</summary>
    public void Arm()
    {
        if (Interlocked.Exchange(ref _armed, 1) == 0)
            Wake();
    }

    /// <summary>Ends the thread.</summary>
    public void Dispose()
    {
        _stopping = true;
        Wake();
        _thread.Join();
        _ = LibC.Close(_wake);
    }

    private void Watch()
    {
        LibC.PollFd* fds = stackalloc LibC.PollFd[2];
        fds[0] = new LibC.PollFd { Fd = _wake, Events = LibC.PollIn };
        fds[1] = new LibC.PollFd { Fd = _descriptor, Events = LibC.PollIn };
        while (!_stopping)
        {
            bool armed = Volatile.Read(ref _armed) != 0;
            fds[1].Returned = 0;
            if (LibC.PPoll(fds, armed ? 2u : 1u, null, null) <= 0)
                continue;
            if ((fds[0].Returned & LibC.PollIn) != 0)
            {
                ulong count;
                _ = LibC.Read(_wake, &count, sizeof(ulong));
            }

            if (fds[1].Returned == 0)
                continue;

            // Before the call: the owner asks anew once it has reaped.
            Volatile.Write(ref _armed, 0);
            _ready();
        }
    }

    private void Wake()
    {
        ulong one = 1;
        _ = LibC.Write(_wake, &one, sizeof(ulong));
    }
}
