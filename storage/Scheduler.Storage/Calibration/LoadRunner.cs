using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Scheduler.Storage.Calibration;

/// <summary>Runs loads on a device, and takes the time.</summary>
/// <param name="device">The device; it stays the caller's to dispose, before this.</param>
/// <param name="depthMax">Most requests in flight.</param>
internal sealed unsafe class LoadRunner(IBlockDevice device, int depthMax) : DeviceLoop(device, depthMax, LoadBytesMax)
{
    /// <summary>Bytes of the largest request that moves data under load.</summary>
    public const int LoadBytesMax = 256 << 10;

    /// <summary>Bytes of the largest request of <see cref="Once"/> that moves data.</summary>
    public const int BytesMax = 1 << 20;

    private const int Alignment = 4096;
    private const int SamplesMax = 1 << 16;

    private readonly long[] _submitted = new long[depthMax];
    private readonly long[] _samples = new long[SamplesMax];

    // What a single request has read, zeroes as a rule, is not to be written: the loads' buffers stay as they were filled.
    private readonly byte* _once = (byte*)NativeMemory.AlignedAlloc(BytesMax, Alignment);
    private LoadPoint _point;
    private long _areaBytes;
    private long _position;
    private long _toSubmit;
    private long _started;
    private long _until;
    private long _last;
    private long _completed;
    private long _counted;
    private int _error;

    /// <summary>What the last <see cref="Once"/> has read.</summary>
    /// <param name="length">Bytes.</param>
    public ReadOnlySpan<byte> Content(int length) => new(_once, length);

    /// <summary>Where that is.</summary>
    public nint Buffer => (nint)_once;

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
        Run(new LoadPoint(DeviceOp.Write, each, Math.Min(8, _submitted.Length), Sequential: true), areaBytes, (bytes + each - 1) / each, Timeout.InfiniteTimeSpan);
    }

    /// <summary>One request by itself.</summary>
    /// <returns>What it took, in nanoseconds.</returns>
    public double Once(DeviceOp op, long offset = 0, long length = 0, DeviceFlags flags = DeviceFlags.None)
    {
        _point = new LoadPoint(op, 0, 1);
        nint buffer = op is DeviceOp.Read or DeviceOp.Status ? Buffer : 0;
        Begin(1, Timeout.InfiniteTimeSpan, () => AddTimed(new DeviceRequest(0, op, flags, offset, length, buffer)));
        return Math.Max(1, _samples[0] * 1e9 / Stopwatch.Frequency);
    }

    /// <inheritdoc/>
    protected override void Complete(in DeviceCompletion completion, long now)
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

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        NativeMemory.AlignedFree(_once);
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
        RunToEnd(() =>
        {
            _toSubmit = requests;
            _completed = 0;
            _counted = 0;
            _error = 0;
            _started = Stopwatch.GetTimestamp();
            _until = time == Timeout.InfiniteTimeSpan ? long.MaxValue : _started + (long)(time.TotalSeconds * Stopwatch.Frequency);
            first();
        });
        if (_error != 0)
            throw new CalibrationException($"a {_point.Op.ToString().ToLowerInvariant()} failed: errno {_error}");
    }

    private void AddNext(int index)
    {
        long places = _areaBytes / _point.Bytes;
        long place = _point.Sequential ? _position++ % places : Random.NextInt64(places);
        nint buffer = _point.Op == DeviceOp.Discard ? 0 : BufferOf(index);
        AddTimed(new DeviceRequest((ulong)index, _point.Op, _point.Durable ? DeviceFlags.Dsync : DeviceFlags.None, place * _point.Bytes, _point.Bytes, buffer));
    }

    private void AddTimed(in DeviceRequest request)
    {
        _toSubmit--;
        _submitted[request.Tag] = Stopwatch.GetTimestamp();
        Add(request);
    }
}
