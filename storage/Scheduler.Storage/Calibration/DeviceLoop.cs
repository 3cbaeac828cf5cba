using System.Diagnostics;
using System.Runtime.InteropServices;
using Scheduler.Storage.Loop;

namespace Scheduler.Storage.Calibration;

/// <summary>
/// Keeps a device busy from an event loop, as a volume does: the loop's thread reaps, submits what comes next as one batch,
/// and waits. One load at a time; what it asks for is the subclass's matter.
/// </summary>
public abstract unsafe class DeviceLoop : ILoopWork, IDisposable
{
    private const int Alignment = 4096;

    private readonly IBlockDevice _device;
    private readonly EventLoop _loop = new("device-load");
    private readonly ManualResetEventSlim _ended = new();
    private readonly DeviceCompletion[] _room = new DeviceCompletion[64];
    private readonly DeviceRequest[] _batch;
    private readonly byte* _buffers;
    private readonly int _bufferBytes;
    private int _inFlight;
    private int _batched;
    private bool _running;

    /// <summary>Prepares to load a device.</summary>
    /// <param name="device">The device; it stays the caller's to dispose, before this.</param>
    /// <param name="depthMax">Most requests in flight, 1 or more: each has a buffer.</param>
    /// <param name="bufferBytes">Bytes of a buffer, a multiple of 4096.</param>
    protected DeviceLoop(IBlockDevice device, int depthMax, int bufferBytes)
    {
        _device = device;
        _batch = new DeviceRequest[depthMax];
        _bufferBytes = bufferBytes;
        _buffers = (byte*)NativeMemory.AlignedAlloc((nuint)depthMax * (nuint)bufferBytes, Alignment);

        // A device that compresses, or finds what it has already, would be quick with anything else.
        for (int i = 0; i < depthMax; i++)
            Random.NextBytes(new Span<byte>((void*)BufferOf(i), bufferBytes));
        device.CompletionsReady = () => _loop.Post(this);
        if (device is ILoopDevice attached)
            _loop.Post(() => attached.AttachTo(_loop));
        _loop.Start();
    }

    /// <summary>Draws places: the same ones in each run.</summary>
    protected Random Random { get; } = new(1);

    void ILoopWork.Run()
    {
        while (true)
        {
            if (_batched > 0)
            {
                _inFlight += _batched;
                int count = _batched;
                _batched = 0;
                _device.Submit(_batch.AsSpan(0, count));
            }

            int reaped = _device.Reap(_room);
            if (reaped == 0)
                break;
            _inFlight -= reaped;
            long now = Stopwatch.GetTimestamp();
            for (int i = 0; i < reaped; i++)
                Complete(_room[i], now);
        }

        // A call that was still on its way when the last load ended finds nothing running.
        if (_running && _inFlight == 0)
        {
            _running = false;
            _ended.Set();
        }
    }

    /// <summary>Ends the loop and frees the buffers.</summary>
    public virtual void Dispose()
    {
        _loop.Dispose();
        NativeMemory.AlignedFree(_buffers);
        _ended.Dispose();
    }

    /// <summary>A request is complete. On the loop's thread; what comes next is added.</summary>
    /// <param name="completion">What it ended with.</param>
    /// <param name="now">When, in ticks of <see cref="Stopwatch"/>.</param>
    protected abstract void Complete(in DeviceCompletion completion, long now);

    /// <summary>The buffer of a request.</summary>
    /// <param name="index">0 to the most requests in flight - 1.</param>
    /// <returns>Its address.</returns>
    protected nint BufferOf(int index) => (nint)(_buffers + ((long)index * _bufferBytes));

    /// <summary>Adds a request to the next batch. On the loop's thread.</summary>
    /// <param name="request">The request.</param>
    protected void Add(in DeviceRequest request) => _batch[_batched++] = request;

    /// <summary>Begins a load, and waits until nothing is in flight any more.</summary>
    /// <param name="first">Adds the first requests; on the loop's thread.</param>
    protected void RunToEnd(Action first)
    {
        _ended.Reset();
        _loop.Post(() =>
        {
            _running = true;
            first();
            ((ILoopWork)this).Run();
        });
        _ended.Wait();
    }
}
