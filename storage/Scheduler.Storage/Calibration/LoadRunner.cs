using System.Diagnostics;
using System.Runtime.InteropServices;
using Scheduler.Storage.Loop;

namespace Scheduler.Storage.Calibration;

/// <summary>
/// Keeps a device busy from an event loop, as a volume does, and takes the time: the loop's thread reaps, submits what comes
/// next as one batch, and waits. One load at a time.
/// </summary>
internal sealed unsafe class LoadRunner : ILoopWork, IDisposable
{
    /// <summary>Bytes of the largest request that moves data under load.</summary>
    public const int LoadBytesMax = 256 << 10;

    /// <summary>Bytes of the largest request of <see cref="Once"/> that moves data.</summary>
    public const int BytesMax = 1 << 20;

    private const int Alignment = 4096;
    private const int SamplesMax = 1 << 16;

    private readonly IBlockDevice _device;
    private readonly EventLoop _loop = new("calibration");
    private readonly ManualResetEventSlim _ended = new();
    private readonly DeviceCompletion[] _room = new DeviceCompletion[64];
    private readonly DeviceRequest[] _batch;
    private readonly long[] _submitted;
    private readonly long[] _samples = new long[SamplesMax];
    private readonly Random _random = new(1);
    private readonly byte* _buffers;
    private readonly byte* _once;
    private LoadPoint _point;
    private long _areaBytes;
    private long _position;
    private long _toSubmit;
    private long _started;
    private long _until;
    private long _last;
    private long _completed;
    private long _counted;
    private int _inFlight;
    private int _batched;
    private int _error;
    private bool _running;

    /// <summary>Prepares to load a device.</summary>
    /// <param name="device">The device; it stays the caller's to dispose, before this.</param>
    /// <param name="depthMax">Most requests in flight.</param>
    public LoadRunner(IBlockDevice device, int depthMax)
    {
        _device = device;
        _batch = new DeviceRequest[depthMax];
        _submitted = new long[depthMax];
        _buffers = (byte*)NativeMemory.AlignedAlloc((nuint)depthMax * LoadBytesMax, Alignment);
        _once = (byte*)NativeMemory.AlignedAlloc(BytesMax, Alignment);

        // A device that compresses, or finds what it has already, would be quick with anything else. So what a single request
        // has read, zeroes as a rule, has a place of its own.
        for (int i = 0; i < depthMax; i++)
            _random.NextBytes(new Span<byte>(BufferOf(i), LoadBytesMax));
        device.CompletionsReady = () => _loop.Post(this);
        if (device is ILoopDevice attached)
            _loop.Post(() => attached.AttachTo(_loop));
        _loop.Start();
    }

    /// <summary>Runs a load for a time.</summary>
    /// <param name="point">The load.</param>
    /// <param name="areaBytes">Bytes from the device's first on; more than a request's.</param>
    /// <param name="time">How long; at least one request is completed.</param>
    public LoadResult Run(LoadPoint point, long areaBytes, TimeSpan time)
    {
        Run(point, areaBytes, long.MaxValue, time);
        long[] samples = _samples[..(int)Math.Min(_completed, SamplesMax)];
        Array.Sort(samples);
        double latency = samples[samples.Length / 2] * 1e9 / Stopwatch.Frequency;
        double period = (_last - _started) * 1e9 / Stopwatch.Frequency / _counted;
        return new LoadResult(point, _counted, Math.Max(1, latency), Math.Max(1, period));
    }

    /// <summary>Writes so many bytes, in large requests, from the device's first on or going on behind the last.</summary>
    /// <param name="bytes">A multiple of 4096.</param>
    /// <param name="areaBytes">Bytes from the device's first on.</param>
    public void Write(long bytes, long areaBytes)
    {
        int each = (int)Math.Min(Math.Min(LoadBytesMax, areaBytes), bytes);
        Run(new LoadPoint(DeviceOp.Write, each, Math.Min(8, _batch.Length), Sequential: true), areaBytes, (bytes + each - 1) / each, Timeout.InfiniteTimeSpan);
    }

    /// <summary>One request by itself.</summary>
    /// <returns>What it took, in nanoseconds.</returns>
    public double Once(DeviceOp op, long offset = 0, long length = 0, DeviceFlags flags = DeviceFlags.None)
    {
        _point = new LoadPoint(op, 0, 1);
        nint buffer = op is DeviceOp.Read or DeviceOp.Status ? Buffer : 0;
        Begin(1, Timeout.InfiniteTimeSpan, () => Add(new DeviceRequest(0, op, flags, offset, length, buffer)));
        return Math.Max(1, _samples[0] * 1e9 / Stopwatch.Frequency);
    }

    /// <summary>What the last <see cref="Once"/> has read.</summary>
    /// <param name="length">Bytes.</param>
    public ReadOnlySpan<byte> Content(int length) => new(_once, length);

    /// <summary>Where that is.</summary>
    public nint Buffer => (nint)_once;

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

    /// <inheritdoc/>
    public void Dispose()
    {
        _loop.Dispose();
        NativeMemory.AlignedFree(_buffers);
        NativeMemory.AlignedFree(_once);
        _ended.Dispose();
    }

    private void Run(LoadPoint point, long areaBytes, long requests, TimeSpan time)
    {
        _point = point;
        _areaBytes = areaBytes;
        Begin(requests, time, () =>
        {
            for (int i = 0; i < point.Depth && _toSubmit > 0; i++)
                AddNext(i);
        });
    }

    private void Begin(long requests, TimeSpan time, Action first)
    {
        _ended.Reset();
        _loop.Post(() =>
        {
            _toSubmit = requests;
            _completed = 0;
            _counted = 0;
            _error = 0;
            _running = true;
            _started = Stopwatch.GetTimestamp();
            _until = time == Timeout.InfiniteTimeSpan ? long.MaxValue : _started + (long)(time.TotalSeconds * Stopwatch.Frequency);
            first();
            ((ILoopWork)this).Run();
        });
        _ended.Wait();
        if (_error != 0)
            throw new CalibrationException($"a {_point.Op.ToString().ToLowerInvariant()} failed: errno {_error}");
    }

    private void Complete(in DeviceCompletion completion, long now)
    {
        int index = (int)completion.Tag;
        if (completion.Error != 0)
        {
            _error = completion.Error;
            _toSubmit = 0;
            return;
        }

        _samples[_completed++ % SamplesMax] = now - _submitted[index];

        // What ends when nothing new is begun any more would make the device look slower than it is when it is busy.
        if (now <= _until || _counted == 0)
        {
            _counted++;
            _last = now;
        }

        if (_toSubmit > 0 && now < _until)
            AddNext(index);
    }

    private byte* BufferOf(int index) => _buffers + ((long)index * LoadBytesMax);

    private void AddNext(int index)
    {
        long places = _areaBytes / _point.Bytes;
        long place = _point.Sequential ? _position++ % places : _random.NextInt64(places);
        nint buffer = _point.Op == DeviceOp.Discard ? 0 : (nint)BufferOf(index);
        Add(new DeviceRequest((ulong)index, _point.Op, _point.Durable ? DeviceFlags.Dsync : DeviceFlags.None, place * _point.Bytes, _point.Bytes, buffer));
    }

    private void Add(in DeviceRequest request)
    {
        _toSubmit--;
        _submitted[request.Tag] = Stopwatch.GetTimestamp();
        _batch[_batched++] = request;
    }
}
