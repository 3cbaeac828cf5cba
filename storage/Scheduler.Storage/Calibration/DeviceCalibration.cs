// What is measured, in which order: reads by size, at random and one after the other, alone and at the greatest depth, and
// 4 KiB at depths between; then writes alike, durable writes, discards, and flushes after so many dirty bytes.
//
// A file is filled first: what was never written is not read from the device. Writes are measured where the fill has been, so
// that none of them has to allocate space.
using System.Diagnostics;

namespace Scheduler.Storage.Calibration;

/// <summary>Measures a device through the layer that serves it.</summary>
public sealed class DeviceCalibration
{
    private const int BlockBytes = 4096;
    private const int FlushesMax = 20;
    private const int DepthStep = 4;

    /// <summary>Figures that share the time.</summary>
    private const int Shares = 30;

    private static readonly int[] _sizes = [BlockBytes, 64 << 10, LoadRunner.LoadBytesMax];
    private static readonly int[] _discardSizes = [64 << 10, 1 << 20];
    private static readonly long[] _dirtyBytes = [0, 1 << 20, 16 << 20, 64 << 20];

    private readonly CalibrationOptions _options;
    private readonly Action<string> _progress;
    private readonly CancellationToken _cancellation;
    private readonly LoadRunner _runner;
    private readonly CalibrationTarget _target;
    private readonly DeviceInfo _info;
    private readonly List<LoadResult> _loads = [];
    private readonly List<FlushResult> _flushes = [];
    private readonly TimeSpan _share;
    private long _areaBytes;

    private DeviceCalibration(LoadRunner runner, CalibrationTarget target, DeviceInfo info, CalibrationOptions options, Action<string> progress, CancellationToken cancellation)
    {
        _runner = runner;
        _target = target;
        _info = info;
        _options = options;
        _progress = progress;
        _cancellation = cancellation;
        _share = options.Time / Shares;
    }

    /// <summary>Measures a device.</summary>
    /// <param name="device">The device, which nobody else uses and nobody has used; it is disposed.</param>
    /// <param name="target">What it is on.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told what comes next.</param>
    /// <param name="cancellation">Cuts it short.</param>
    /// <returns>What was measured.</returns>
    /// <exception cref="CalibrationException">The device is too small, or a request failed.</exception>
    /// <exception cref="OperationCanceledException">It was cut short; an empty file is empty again.</exception>
    public static CalibrationResult Run(
        IBlockDevice device, CalibrationTarget target, CalibrationOptions options, Action<string> progress, CancellationToken cancellation)
    {
        using LoadRunner runner = new(device, Math.Max(options.DepthMax, 1));
        try
        {
            DeviceInfo info = device.Info;
            if (info.Size < LoadRunner.BytesMax)
                throw new CalibrationException($"the device has {info.Size} bytes; it takes {LoadRunner.BytesMax} to measure");
            return new DeviceCalibration(runner, target, info, options, progress, cancellation).Run();
        }
        finally
        {
            // Its last completions are reaped on the runner's loop.
            device.Dispose();
        }
    }

    private CalibrationResult Run()
    {
        _progress("looking for stored data");
        string? found = StoredData.Find(_runner, _info.Size, _target.IsFile);
        WriteRefusal? refusal = _options.Writes == CalibrationWrites.Always ? null
            : found is not null ? new WriteRefusal($"it holds {found}", CalibrationWrites.Always)
            : !_target.IsFile && _options.Writes == CalibrationWrites.IfEmptyFile
                ? new WriteRefusal("a block device is not written to unasked, though this one looks empty", CalibrationWrites.IfEmpty)
            : null;
        bool restore = found is null && _target.IsFile && refusal is null;
        _areaBytes = _info.Size;
        try
        {
            if (refusal is null)
                Fill();
            Measure(DeviceOp.Read);
            if (refusal is null)
            {
                Measure(DeviceOp.Write);
                MeasureFlushes();
                if (_info.SupportsDsync && !_info.DurableWrites)
                    Measure(new LoadPoint(DeviceOp.Write, BlockBytes, 1, Durable: true));
                foreach (int bytes in _discardSizes)
                    Measure(new LoadPoint(DeviceOp.Discard, bytes, Math.Min(8, _options.DepthMax)));
            }
        }
        finally
        {
            if (restore)
            {
                // It was sparse, or had its space and nothing in it. To discard would be advice.
                _progress("emptying the file again");
                _ = _runner.Once(DeviceOp.Zero, 0, _areaBytes, _target.IsAllocated ? DeviceFlags.NoHole : DeviceFlags.None);
                _ = _runner.Once(DeviceOp.Flush);
            }
        }

        return new CalibrationResult(_loads, _flushes, DeviceProfile.Fit(_loads, _flushes), refusal);
    }

    private void Fill()
    {
        long bytes = Math.Min(_areaBytes, _options.AreaBytesMax);
        _areaBytes = bytes / LoadRunner.BytesMax * LoadRunner.BytesMax;
        _progress($"filling {_areaBytes >> 20} MiB");
        for (long done = 0; done < _areaBytes; done += LoadRunner.BytesMax * 16)
        {
            _cancellation.ThrowIfCancellationRequested();
            _runner.Write(Math.Min(LoadRunner.BytesMax * 16, _areaBytes - done), _areaBytes);
        }

        _ = _runner.Once(DeviceOp.Flush);
    }

    private void Measure(DeviceOp op)
    {
        for (int depth = DepthStep; depth < _options.DepthMax; depth *= DepthStep)
            Measure(new LoadPoint(op, BlockBytes, depth));
        foreach (int bytes in _sizes)
        {
            Measure(new LoadPoint(op, bytes, 1));
            Measure(new LoadPoint(op, bytes, 1, Sequential: true));
            if (_options.DepthMax > 1)
                Measure(new LoadPoint(op, bytes, _options.DepthMax));
        }
    }

    private void Measure(LoadPoint point)
    {
        _cancellation.ThrowIfCancellationRequested();
        string order = point.Durable ? "durable, " : point.Sequential ? "sequential, " : "";
        _progress($"{point.Op.ToString().ToLowerInvariant()} {point.Bytes >> 10} KiB, {order}depth {point.Depth}");
        _loads.Add(_runner.Run(point, _areaBytes, _share));

        // What one load leaves dirty is not the next one's to write out.
        if (point.Op != DeviceOp.Read)
            _ = _runner.Once(DeviceOp.Flush);
    }

    private void MeasureFlushes()
    {
        foreach (long dirty in _dirtyBytes.Where(dirty => dirty <= _areaBytes))
        {
            _progress($"flush, {dirty >> 20} MiB dirty");
            double sum = 0;
            int count = 0;
            long started = Stopwatch.GetTimestamp();
            do
            {
                _cancellation.ThrowIfCancellationRequested();
                if (dirty > 0)
                    _runner.Write(dirty, _areaBytes);
                sum += _runner.Once(DeviceOp.Flush);
                count++;
            }
            while (count < FlushesMax && Stopwatch.GetElapsedTime(started) < _share);
            _flushes.Add(new FlushResult(dirty, count, sum / count));
        }
    }
}
