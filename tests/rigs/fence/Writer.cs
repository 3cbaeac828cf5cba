using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Scheduler.Storage;

namespace Scheduler.FenceGuest;

/// <summary>Writes to a volume without a pause, whatever it is answered, each time something else.</summary>
internal sealed unsafe class Writer : IDisposable
{
    private const int Depth = 16;
    private const int BlockBytes = 4096;

    private readonly ManualResetEventSlim _ready = new();
    private readonly IBlockDevice _device;
    private readonly Thread _thread;
    private readonly long _first;
    private readonly byte* _memory = (byte*)NativeMemory.AlignedAlloc(Depth * BlockBytes, BlockBytes);
    private volatile bool _stop;
    private long _done;
    private int _inFlight;

    /// <summary>Begins.</summary>
    /// <param name="path">The device.</param>
    /// <param name="io">How.</param>
    /// <param name="first">What it writes first; from then on one more each time.</param>
    public Writer(string path, IoMethod io, long first)
    {
        _first = first;
        _device = DeviceFactory.Open(new VolumeOptions { Path = path, Cache = CacheMode.Direct, Io = io, Workers = Depth });
        _device.CompletionsReady = _ready.Set;
        _thread = new Thread(Run);
        _thread.Start();
    }

    /// <summary>Writes that succeeded.</summary>
    public long Done => Interlocked.Read(ref _done);

    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>How often each errno came.</summary>
    public ConcurrentDictionary<int, int> Errors { get; } = [];

    public void Dispose()
    {
        _stop = true;
        _thread.Join();
        _device.Dispose();
        NativeMemory.AlignedFree(_memory);
    }

    private void Run()
    {
        long sequence = _first;
        DeviceCompletion[] completions = new DeviceCompletion[Depth];
        for (int slot = 0; slot < Depth; slot++)
            Submit(slot, ++sequence);
        while (InFlight > 0)
        {
            int count = _device.Reap(completions);
            foreach (DeviceCompletion completion in completions.AsSpan(0, count))
            {
                _ = Interlocked.Decrement(ref _inFlight);
                if (completion.Error == 0)
                    _ = Interlocked.Increment(ref _done);
                else
                    _ = Errors.AddOrUpdate(completion.Error, 1, (_, before) => before + 1);

                // One that is refused at once would otherwise take the whole processor.
                if (completion.Error != 0)
                    Thread.Sleep(1);
                if (!_stop)
                    Submit((int)completion.Tag, ++sequence);
            }

            if (count == 0)
            {
                _ = _ready.Wait(100);
                _ready.Reset();
            }
        }
    }

    private void Submit(int slot, long sequence)
    {
        byte* block = _memory + (slot * BlockBytes);
        new Span<long>(block, BlockBytes / sizeof(long)).Fill(sequence);
        _ = Interlocked.Increment(ref _inFlight);
        _device.Submit([new DeviceRequest((ulong)slot, DeviceOp.Write, DeviceFlags.None, sequence % 1024 * BlockBytes, BlockBytes, (nint)block)]);
    }
}
