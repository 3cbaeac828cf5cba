namespace Scheduler.Storage.Tests;

/// <summary>A device's owner: submits, waits, reaps, and sees to it that each tag comes back once. It allocates nothing,
/// so it checks without the assertions that box.</summary>
internal sealed class DeviceDriver : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly AutoResetEvent _ready = new(false);
    private readonly DeviceCompletion[] _room = new DeviceCompletion[16];
    private readonly bool[] _seen = new bool[4096];
    private readonly DeviceRequest[] _tagged = new DeviceRequest[4096];
    private int _readyCalls;

    public DeviceDriver(IBlockDevice device)
    {
        Device = device;
        device.CompletionsReady = OnReady;
    }

    public IBlockDevice Device { get; }

    public int ReadyCalls => Volatile.Read(ref _readyCalls);

    /// <summary>One request; its error.</summary>
    public int Run(DeviceOp op, long offset = 0, long length = 0, nint buffer = 0, DeviceFlags flags = DeviceFlags.None)
    {
        Span<int> error = stackalloc int[1];
        RunAll([new DeviceRequest(0, op, flags, offset, length, buffer)], error);
        return error[0];
    }

    /// <summary>A batch; tags are set to its indices.</summary>
    public void RunAll(ReadOnlySpan<DeviceRequest> requests, Span<int> errors)
    {
        Submit(requests);
        Collect(requests.Length, errors);
    }

    public void Submit(ReadOnlySpan<DeviceRequest> requests)
    {
        for (int i = 0; i < requests.Length; i++)
        {
            _tagged[i] = requests[i] with { Tag = (ulong)i };
            _seen[i] = false;
        }

        Device.Submit(_tagged.AsSpan(0, requests.Length));
    }

    public void Collect(int count, Span<int> errors)
    {
        int collected = 0;
        while (collected < count)
        {
            int reaped = ReapInto(errors);
            collected += reaped;
            if (collected < count && reaped < _room.Length && !_ready.WaitOne(s_patience))
                Assert.Fail($"{collected} of {count} requests completed");
        }

        if (collected > count || Device.Reap(_room) != 0)
            Assert.Fail($"more than {count} requests completed");
    }

    /// <summary>Reaps what is there, without waiting.</summary>
    public int ReapInto(Span<int> errors)
    {
        int reaped = Device.Reap(_room);
        for (int i = 0; i < reaped; i++)
        {
            int tag = (int)_room[i].Tag;
            if (tag >= errors.Length || _seen[tag])
                Assert.Fail($"tag {tag} completed, which is not in flight");
            _seen[tag] = true;
            errors[tag] = _room[i].Error;
        }

        return reaped;
    }

    public bool WaitReady(TimeSpan time) => _ready.WaitOne(time);

    public void Dispose()
    {
        Device.Dispose();
        _ready.Dispose();
    }

    private void OnReady()
    {
        Interlocked.Increment(ref _readyCalls);
        _ready.Set();
    }
}
