using System.Diagnostics;
using Scheduler.Simulation;

namespace Scheduler.Host.Load;

/// <summary>One guest of a load: keeps so many requests under way, at places that are drawn, until it is told to stop.</summary>
internal sealed class LoadGuest
{
    private readonly LoadSpec _spec;
    private readonly ILoadClient _client;
    private readonly Random _random;
    private readonly (LoadOp Op, long Sent)[] _slots;
    private readonly Stack<int> _free = new();
    private readonly long _blocks;
    private long _answered;
    private long _sinceBarrier;
    private long _sinceFlush;

    public LoadGuest(LoadSpec spec, ILoadClient client, string disk, int number)
    {
        _spec = spec;
        _client = client;
        Disk = disk;
        _random = new Random(number);
        _slots = new (LoadOp, long)[spec.Depth];
        for (int slot = spec.Depth - 1; slot >= 0; slot--)
            _free.Push(slot);
        _blocks = client.Size / spec.BlockBytes;
        if (_blocks == 0)
            throw new LoadException($"disk {disk} of {client.Size} bytes is smaller than a block of {spec.BlockBytes}");
        if (spec.BarrierEvery > 0 && !client.TakesBarriers)
            throw new LoadException($"disk {disk} takes no barriers here: they need a ring (blkif:PATH), and a disk whose ordered mode has them, such as tag-flush, and blocks of 44 KiB at most");
    }

    public string Disk { get; }

    /// <summary>Latencies in nanoseconds, by kind.</summary>
    public LatencyRecorder[] Latencies { get; } = [.. Enum.GetValues<LoadOp>().Select(_ => new LatencyRecorder())];

    /// <summary>Requests that failed.</summary>
    public long Errors { get; private set; }

    /// <summary>Answers so far. From any thread.</summary>
    public long Answered => Volatile.Read(ref _answered);

    /// <summary>Runs until it is told to stop, and what is under way is answered.</summary>
    /// <param name="stop">Tells it.</param>
    public void Run(CancellationToken stop)
    {
        int[] answered = new int[_spec.Depth];
        while (true)
        {
            while (_free.Count > 0 && !stop.IsCancellationRequested)
                Add(_free.Pop());
            _client.Send();
            if (_free.Count == _slots.Length)
                return;
            int count = _client.Wait(answered);
            long now = Stopwatch.GetTimestamp();
            foreach (int slot in answered.AsSpan(0, count))
                Take(slot, now, counts: !stop.IsCancellationRequested);
            Volatile.Write(ref _answered, _answered + count);
        }
    }

    private void Add(int slot)
    {
        LoadOp op = Next();
        _slots[slot] = (op, Stopwatch.GetTimestamp());
        _client.Add(slot, op, _random.NextInt64(_blocks) * _spec.BlockBytes);
    }

    private LoadOp Next()
    {
        if (_spec.FlushEvery > 0 && _sinceFlush >= _spec.FlushEvery)
        {
            _sinceFlush = 0;
            return LoadOp.Flush;
        }

        if (_spec.Operations == LoadMix.Read || (_spec.Operations == LoadMix.Mixed && _random.Next(10) < 7))
            return LoadOp.Read;
        _sinceFlush++;
        if (_spec.BarrierEvery == 0 || ++_sinceBarrier < _spec.BarrierEvery)
            return LoadOp.Write;
        _sinceBarrier = 0;
        return LoadOp.Barrier;
    }

    // What is answered after the end is not of the time that was measured.
    private void Take(int answered, long now, bool counts)
    {
        int slot = answered < 0 ? ~answered : answered;
        if (slot >= _slots.Length)
            throw new LoadException($"the service has answered a request {slot} that there is not");
        _free.Push(slot);
        if (!counts)
            return;
        if (answered < 0)
            Errors++;
        (LoadOp op, long sent) = _slots[slot];
        Latencies[(int)op].Add(LatencyRecorder.BucketOf((long)((now - sent) * (1e9 / Stopwatch.Frequency))), 1);
    }
}
