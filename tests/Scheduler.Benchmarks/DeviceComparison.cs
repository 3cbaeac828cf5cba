using System.Diagnostics;
using Scheduler.Storage;

namespace Scheduler.Benchmarks;

/// <summary>io_uring against threads, in alternation on one file, as ratios.</summary>
public static class DeviceComparison
{
    private const DeviceOp Read = DeviceOp.Read;
    private const DeviceOp Write = DeviceOp.Write;

    private static readonly DeviceMix[] s_mixes = [.. MixesOf(CacheMode.Direct), .. MixesOf(CacheMode.Buffered)];

    /// <summary>Compares on a small file of its own, once and short, to see that it still works.</summary>
    /// <param name="output">Where a line for each load goes.</param>
    public static void RunTiny(TextWriter output)
    {
        string file = Path.GetTempFileName();
        try
        {
            Run(file, size: 8 << 20, rounds: 1, TimeSpan.FromMilliseconds(20), "", output);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Compares.</summary>
    /// <param name="path">The file, made if there is none.</param>
    /// <param name="size">Its bytes.</param>
    /// <param name="rounds">How often each load runs on each device.</param>
    /// <param name="time">How long each run takes.</param>
    /// <param name="part">Of the names of the loads to run.</param>
    /// <param name="output">Where a line for each load goes.</param>
    public static void Run(string path, long size, int rounds, TimeSpan time, string part, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        Prepare(path, size);
        output.WriteLine("| load | io_uring, 1/s | threads, 1/s | ratio (rounds) | CPU us: io_uring, threads |");
        output.WriteLine("| --- | --- | --- | --- | --- |");
        foreach (DeviceMix mix in s_mixes.Where(mix => mix.Name.Contains(part, StringComparison.Ordinal)))
        {
            (double PerSecond, double Microseconds)[] uring = new (double, double)[rounds];
            (double PerSecond, double Microseconds)[] threads = new (double, double)[rounds];
            for (int i = 0; i < rounds; i++)
            {
                // Whoever comes second may find a busier disk.
                if (i % 2 == 0)
                    uring[i] = RunOnce(path, mix, IoMethod.IoUring, time);
                threads[i] = RunOnce(path, mix, IoMethod.Threads, time);
                if (i % 2 != 0)
                    uring[i] = RunOnce(path, mix, IoMethod.IoUring, time);
            }

            double[] ratios = [.. uring.Zip(threads, (a, b) => a.PerSecond / b.PerSecond).Order()];
            output.WriteLine(
                $"| {mix.Name} | {Median(uring.Select(run => run.PerSecond)):N0} | {Median(threads.Select(run => run.PerSecond)):N0} "
                + $"| {Median(ratios):F2} ({ratios[0]:F2} to {ratios[^1]:F2}) "
                + $"| {Median(uring.Select(run => run.Microseconds)):F1}, {Median(threads.Select(run => run.Microseconds)):F1} |");
        }
    }

    private static IEnumerable<DeviceMix> MixesOf(CacheMode cache)
    {
        string name = cache == CacheMode.Direct ? "direct" : "buffered";
        foreach (int depth in (int[])[1, 32])
        {
            yield return new($"{name}: random read 4 KiB, depth {depth}", cache, Read, 4096, depth);
            yield return new($"{name}: random write 4 KiB, depth {depth}", cache, Write, 4096, depth);
            if (cache != CacheMode.Direct)
                yield return new($"{name}, cold: random read 4 KiB, depth {depth}", cache, Read, 4096, depth, Cold: true);
            yield return new($"{name}: FUA write 4 KiB, depth {depth}", cache, Write, 4096, depth, Flags: DeviceFlags.Dsync);
        }

        yield return new($"{name}: sequential read 128 KiB, depth 8", cache, Read, 128 << 10, 8, Sequential: true);
        yield return new($"{name}: sequential write 128 KiB, depth 8", cache, Write, 128 << 10, 8, Sequential: true);
        yield return new($"{name}: write 4 KiB + flush, depth 1", cache, Write, 4096, 1, Flush: true);
    }

    private static (double PerSecond, double Microseconds) RunOnce(string path, DeviceMix mix, IoMethod io, TimeSpan time)
    {
        if (mix.Cache != CacheMode.Direct)
            SetUpCache(path, mix.Cold);
        VolumeOptions options = new()
        {
            Path = path,
            Cache = mix.Cache,
            Io = io,
            Workers = mix.Cache == CacheMode.Direct ? mix.Depth : 0,
        };
        IBlockDevice device = DeviceFactory.Open(options);
        using DeviceLoad load = new(device, mix);
        using (device)
            return load.Run(time);
    }

    // Every block written once: what is only allocated takes other paths.
    private static void Prepare(string path, long size)
    {
        if (File.Exists(path) && new FileInfo(path).Length == size)
            return;
        using FileStream file = File.Create(path);
        byte[] block = new byte[1 << 20];
        new Random(1).NextBytes(block);
        for (long done = 0; done < size; done += block.Length)
            file.Write(block);
        file.Flush(flushToDisk: true);
    }

    // All of the file in the page cache, or nothing of it.
    private static void SetUpCache(string path, bool cold)
    {
        string[] how = cold ? ["iflag=nocache", "count=0"] : ["of=/dev/null", "bs=1M"];
        Process.Start("dd", ["if=" + path, "status=none", .. how])!.WaitForExit();
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
