using System.Diagnostics;
using Scheduler.Storage;
using Scheduler.Storage.Calibration;

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

/// <summary>Runs one load on a device, and takes its rate and what it costs.</summary>
/// <param name="device">The device; it stays the caller's to dispose, before this.</param>
/// <param name="mix">What is asked.</param>
public sealed class DeviceLoad(IBlockDevice device, DeviceMix mix) : DeviceLoop(device, mix.Depth, mix.Block)
{
    private readonly long _blocks = device.Info.Size / mix.Block;
    private readonly bool[] _flushes = new bool[mix.Depth];
    private long _position;
    private long _until;

    /// <summary>Requests completed, without flushes.</summary>
    public long Requests { get; private set; }

    /// <summary>Runs the load.</summary>
    /// <param name="time">How long.</param>
    /// <returns>Requests a second, and processor time of a request in microseconds.</returns>
    public (double PerSecond, double Microseconds) Run(TimeSpan time)
    {
        Requests = 0;
        TimeSpan processor = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        _until = start + (long)(time.TotalSeconds * Stopwatch.Frequency);
        RunToEnd(() =>
        {
            for (int i = 0; i < mix.Depth; i++)
                AddNext(i);
        });
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return (Requests / seconds, (Environment.CpuUsage.TotalTime - processor).TotalMicroseconds / Requests);
    }

    /// <inheritdoc/>
    protected override void Complete(in DeviceCompletion completion, long now)
    {
        if (completion.Error != 0)
            throw new InvalidOperationException($"{mix.Name}: errno {completion.Error}");
        int index = (int)completion.Tag;
        if (mix.Flush && !_flushes[index])
        {
            _flushes[index] = true;
            Add(new DeviceRequest(completion.Tag, DeviceOp.Flush, DeviceFlags.None, 0, 0, 0));
            return;
        }

        Requests++;
        _flushes[index] = false;
        if (now < _until)
            AddNext(index);
    }

    private void AddNext(int index)
    {
        long block = mix.Sequential ? _position++ % _blocks : Random.NextInt64(_blocks);
        Add(new DeviceRequest((ulong)index, mix.Op, mix.Flags, block * mix.Block, mix.Block, BufferOf(index)));
    }
}
