// S2: a disk that is made while the service runs reads zeroes, and so does what it grows by. Its place is zeroed before the
// event that offers it is durable: after a crash in between there is no such disk, and the next one is zeroed again.
//
// It goes through the volume's scheduler, as requests of the guest to a disk that nobody else can open: nobody else waits
// longer than for any other request, and the guest pays. What the device knows to be a hole is left alone. The flush at the
// end makes all of it durable, the holes that it found included.
using System.Runtime.InteropServices;
using Scheduler.Actors;
using Scheduler.Storage;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Running;

/// <summary>Makes a disk read zeroes, durably. Runs on its volume's loop, one request at a time.</summary>
internal sealed class Zeroing : IRingFrontEnd
{
    /// <summary>Most bytes of one request: the scheduler does them in pieces of its own.</summary>
    private const long BytesPerRequestMax = 1L << 30;

    private readonly TaskCompletionSource<string?> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<(long Offset, long Length)> _data = new();
    private readonly MapMemory _memory = new();
    private readonly long _length;
    private readonly RingFlags _flags;
    private RingPort _port = null!;
    private RingOp _op;
    private long _mapped;
    private string? _failure;
    private bool _durable;

    private Zeroing(long length, RingFlags flags)
    {
        _length = length;
        _flags = flags;
    }

    /// <summary>Does it.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="disk">Name of the disk.</param>
    /// <param name="length">Bytes of the disk.</param>
    /// <param name="keepAllocated">Space that is allocated stays so.</param>
    /// <param name="loop">The volume's loop.</param>
    /// <param name="start">Starts an actor there.</param>
    /// <param name="cancellation">Gives up. What the device works on then, it may still finish.</param>
    /// <returns>Why it failed, or null. Its ring is closed.</returns>
    public static async Task<string?> RunAsync(
        string volume, string disk, long length, bool keepAllocated, EventLoop loop, Func<Props, ActorRef> start, CancellationToken cancellation)
    {
        Zeroing zeroing = new(length, keepAllocated ? RingFlags.NoHole : RingFlags.None);
        loop.Post(() => zeroing._port = GuestRing.Open(new RingSetup(volume, disk, 1, 1, zeroing, zeroing._memory), start));
        using CancellationTokenRegistration registration = cancellation.Register(() => loop.Post(zeroing.GiveUp));
        return await zeroing._done.Task;
    }

    public void OnAttached(int credits) => Next();

    public void OnReplies(ReadOnlySpan<RingReply> replies)
    {
        int error = replies[0].Error;
        if (error != 0)
        {
            _failure = $"the place of the disk can't be zeroed: {Marshal.GetPInvokeErrorMessage(error)} (errno {error}); see the volume's faults and its free space";
            _port.Close();
        }
        else if (_op == RingOp.Flush)
        {
            _durable = true;
            _port.Close();
        }
        else
        {
            if (_op == RingOp.Status)
                TakeMap();
            Next();
        }
    }

    public void OnClosed(string reason, ReadOnlySpan<int> unanswered)
    {
        _memory.LetGo();
        _ = _done.TrySetResult(_durable ? null : _failure ?? reason);
    }

    private void GiveUp()
    {
        if (_done.Task.IsCompleted)
            return;
        _failure ??= "it was given up";
        _port.Close();
    }

    private void Next()
    {
        if (_data.TryDequeue(out (long Offset, long Length) data))
        {
            long length = Math.Min(data.Length, BytesPerRequestMax);
            if (length < data.Length)
                _data.Enqueue((data.Offset + length, data.Length - length));
            Send(RingOp.Zero, _flags, data.Offset, length);
        }
        else if (_mapped < _length)
        {
            AllocationMap.Clear(_memory.Buffer);
            Send(RingOp.Status, RingFlags.None, _mapped, _length - _mapped);
        }
        else
        {
            Send(RingOp.Flush, RingFlags.None, 0, 0);
        }
    }

    private void TakeMap()
    {
        for (int i = 0; i < AllocationMap.Count(_memory.Buffer); i++)
        {
            (long length, bool hole) = AllocationMap.Run(_memory.Buffer, i);
            length = Math.Min(length, _length - _mapped);
            if (!hole)
                _data.Enqueue((_mapped, length));
            _mapped += length;
        }
    }

    private void Send(RingOp op, RingFlags flags, long offset, long length)
    {
        _op = op;
        _port.Add(new RingRequest(0, op, flags, 0, offset, length, op == RingOp.Status ? _memory.Buffer : 0));
        _port.Send();
    }

    private sealed unsafe class MapMemory : RingMemory
    {
        public nint Buffer { get; } = (nint)NativeMemory.AlignedAlloc(AllocationMap.BufferBytes, AllocationMap.BufferBytes);

        protected override void GiveBack() => NativeMemory.AlignedFree((void*)Buffer);
    }
}
