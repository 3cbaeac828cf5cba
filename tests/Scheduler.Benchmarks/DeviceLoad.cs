using System.Diagnostics;
using Scheduler.Storage;
using Scheduler.Storage.Loop;

namespace Scheduler.Benchmarks;

/// <summary>What a <see cref="DeviceLoad"/> asks of a device.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Cache">Use of the page cache.</param>
/// <param name="Op">Read or write.</param>
/// <param name="Block">Bytes of a request.</param>
/// <param name="Depth">Requests in flight.</param>
/// <param name="Sequential">One after another, rather than anywhere.</param>
/// <param name="Flags">Modifiers.</param>
/// <param name="Flush">A flush after each request.</param>
/// <param name="Cold">Nothing of the file is in the page cache at first.</param>
public sealed record DeviceMix(
    string Name, CacheMode Cache, DeviceOp Op, int Block, int Depth, bool Sequential = false,
    DeviceFlags Flags = DeviceFlags.None, bool Flush = false, bool Cold = false);

/// <summary>
/// Keeps a device busy from an event loop, in the way that a volume does: the loop's thread reaps, submits what comes next as
/// one batch, and waits.
/// </summary>
public sealed unsafe class DeviceLoad : ILoopWork, IDisposable
{
    private readonly IBlockDevice _device;
    private readonly DeviceMix _mix;
    private readonly EventLoop _loop = new("device-load");
    private readonly ManualResetEventSlim _ended = new();
    private readonly DeviceCompletion[] _room = new DeviceCompletion[64];
    private readonly DeviceRequest[] _batch;
    private readonly bool[] _flushes;
    private readonly Random _random = new(1);
    private readonly byte* _buffers;
    private long _position;
    private long _until;
    private int _inFlight;
    private int _batched;

    /// <summary>Prepares the load.</summary>
    /// <param name="device">The device; it stays the caller's to dispose, before this.</param>
    /// <param name="mix">What is asked.</param>
    public DeviceLoad(IBlockDevice device, DeviceMix mix)
    {
        _device = device;
        _mix = mix;
        _batch = new DeviceRequest[mix.Depth];
        _flushes = new bool[mix.Depth];
        nuint bytes = (nuint)mix.Depth * (nuint)mix.Block;
        _buffers = (byte*)System.Runtime.InteropServices.NativeMemory.AlignedAlloc(bytes, 4096);
        new Span<byte>(_buffers, (int)bytes).Fill(7);
        device.CompletionsReady = () => _loop.Post(this);
        if (device is ILoopDevice attached)
            _loop.Post(() => attached.AttachTo(_loop));
        _loop.Start();
    }

    /// <summary>Requests completed, without flushes.</summary>
    public long Requests { get; private set; }

    /// <summary>Runs the load.</summary>
    /// <param name="time">How long.</param>
    /// <returns>Requests a second, and processor time of a request in microseconds.</returns>
    public (double PerSecond, double Microseconds) Run(TimeSpan time)
    {
        Requests = 0;
        _ended.Reset();
        TimeSpan processor = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        _until = start + (long)(time.TotalSeconds * Stopwatch.Frequency);
        _loop.Post(() =>
        {
            for (int i = 0; i < _mix.Depth; i++)
                Add(i);
            ((ILoopWork)this).Run();
        });
        _ended.Wait();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return (Requests / seconds, (Environment.CpuUsage.TotalTime - processor).TotalMicroseconds / Requests);
    }

    void ILoopWork.Run()
    {
        while (true)
        {
            if (_batched > 0)
            {
                _inFlight += _batched;
                _device.Submit(_batch.AsSpan(0, _batched));
                _batched = 0;
            }

            int count = _device.Reap(_room);
            if (count == 0)
                break;
            _inFlight -= count;
            for (int i = 0; i < count; i++)
                Complete(_room[i]);
        }

        if (_inFlight == 0)
            _ended.Set();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _loop.Dispose();
        System.Runtime.InteropServices.NativeMemory.AlignedFree(_buffers);
        _ended.Dispose();
    }

    private void Complete(in DeviceCompletion completion)
    {
        if (completion.Error != 0)
            throw new InvalidOperationException($"{_mix.Name}: errno {completion.Error}");
        int index = (int)completion.Tag;
        if (_mix.Flush && !_flushes[index])
        {
            _flushes[index] = true;
            _batch[_batched++] = new DeviceRequest(completion.Tag, DeviceOp.Flush, DeviceFlags.None, 0, 0, 0);
            return;
        }

        Requests++;
        _flushes[index] = false;
        if (Stopwatch.GetTimestamp() < _until)
            Add(index);
    }

    private void Add(int index)
    {
        long blocks = _device.Info.Size / _mix.Block;
        long block = _mix.Sequential ? _position++ % blocks : _random.NextInt64(blocks);
        nint buffer = (nint)(_buffers + ((long)index * _mix.Block));
        _batch[_batched++] = new DeviceRequest(
            (ulong)index, _mix.Op, _mix.Flags, block * _mix.Block, _mix.Block, buffer);
    }
}
