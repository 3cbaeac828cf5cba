using Scheduler.Storage.Native;
using static Scheduler.Storage.Uring.UringCalls;

namespace Scheduler.Storage.Uring;

/// <summary>
/// Requests that are carried out by the kernel through one io_uring: each is one entry at a time, until it is complete.
/// The answers are those of <see cref="FileOperations"/>. A write is durable at once only with its flag: volumes whose every
/// write is do not write here. Not synchronized.
/// </summary>
/// <remarks>
/// A transfer that the kernel makes short goes on where it stopped; a short transfer is never success. What the kernel does
/// not take, or can only say EAGAIN to, goes to the threads.
/// </remarks>
/// <param name="queues">The io_uring.</param>
/// <param name="volume">The file, registered with it.</param>
/// <param name="threads">Take what the kernel does not.</param>
/// <param name="completions">Takes what is answered without either.</param>
internal sealed unsafe class UringOperations(
    UringQueues queues, FileVolume volume, WorkerPool threads, CompletionQueue completions)
{
    // Linux moves at most 0x7ffff000 bytes at once (MAX_RW_COUNT); asking for no more keeps the block alignment.
    private const long TransferBytesMax = 0x7fff_f000;

    private readonly RingQueue<int> _free = new();
    private Operation[] _operations = [];
    private bool _zeroUnsupported;

    private enum Next
    {
        Complete,
        Again,
        ToThreads,
    }

    /// <summary>Requests that the kernel has, or will get with the next <see cref="Submit"/>.</summary>
    public int InFlight { get; private set; }

    /// <summary>Whether the kernel can carry it out through an io_uring.</summary>
    public bool Takes(DeviceOp op) => op switch
    {
        DeviceOp.Read or DeviceOp.Write or DeviceOp.Flush => true,

        // Block devices have no fallocate that does what BLKDISCARD and BLKZEROOUT do.
        DeviceOp.Discard => !volume.IsBlockDevice,
        DeviceOp.Zero => !volume.IsBlockDevice && !_zeroUnsupported,
        _ => false,
    };

    /// <summary>Adds a request.</summary>
    public void Add(in DeviceRequest request)
    {
        int index = TakeSlot();
        _operations[index] = new Operation { Request = request };
        InFlight++;
        Queue(index);
    }

    /// <summary>Hands what was added to the kernel. Does not wait.</summary>
    public void Submit()
    {
        if (queues.Waiting == 0 || queues.Submit())
            return;
        while (queues.TryTakeBack(out ulong index))
            GiveToThreads((int)index);
    }

    /// <summary>Moves completions out.</summary>
    /// <returns>How many; fewer than the room means that none is left now.</returns>
    public int Reap(Span<DeviceCompletion> room)
    {
        int count = 0;
        while (count < room.Length && queues.TryReap(out Completion completion))
        {
            int index = (int)completion.UserData;
            Operation operation = _operations[index];
            switch (Judge(index, completion.Result, out int error))
            {
                case Next.Complete:
                    room[count++] = new DeviceCompletion(operation.Request.Tag, error);
                    Free(index);
                    break;
                case Next.Again:
                    Queue(index);
                    break;
                default:
                    GiveToThreads(index);
                    break;
            }
        }

        Submit();
        return count;
    }

    private static bool Unsupported(int error) => error is Errno.EOPNOTSUPP or LibC.ENOSYS or LibC.ENOTTY;

    // One number for "no room": the service's protocols know no quota.
    private static int OneNoSpace(int error) => error == LibC.EDQUOT ? Errno.ENOSPC : error;

    private Next Judge(int index, int result, out int error)
    {
        ref Operation operation = ref _operations[index];
        error = result < 0 ? OneNoSpace(-result) : 0;
        if (error == Errno.EINTR)
            return Next.Again;

        switch (operation.Request.Op)
        {
            case DeviceOp.Read or DeviceOp.Write:
                return JudgeTransfer(ref operation, result, ref error);
            case DeviceOp.Discard when error == Errno.EAGAIN:
                return Next.ToThreads;
            case DeviceOp.Discard:
                // Advice: what cannot be done need not be.
                error = Unsupported(error) ? 0 : error;
                return Next.Complete;
            case DeviceOp.Zero when error == Errno.EAGAIN:
                return Next.ToThreads;
            case DeviceOp.Zero when Unsupported(error):
                // There are other ways to zero a range; the threads know them.
                _zeroUnsupported = true;
                return Next.ToThreads;
            default:
                // Any failure of a flush is final (F6).
                return Next.Complete;
        }
    }

    private Next JudgeTransfer(ref Operation operation, int result, ref int error)
    {
        if (error == 0 && result > 0)
        {
            operation.Done += result;
            if (operation.Done < operation.Request.Length)
                return Next.Again;
            error = operation.FindsOut ? Errno.EIO : 0;
            return Next.Complete;
        }

        // The file ends early.
        if (error == 0)
            error = Errno.EIO;
        if (operation.FindsOut)
        {
            error = error == Errno.ENOSPC ? Errno.ENOSPC : Errno.EIO;
            return Next.Complete;
        }

        if (error == Errno.EAGAIN)
            return Next.ToThreads;
        if (error != Errno.ENOSPC || (operation.Request.Flags & DeviceFlags.Dsync) == 0)
            return Next.Complete;

        // "No space" for a durable write is ambiguous: FileOperations.Write says why, and how the same data written without
        // a sync tells.
        operation.FindsOut = true;
        operation.Done = 0;
        return Next.Again;
    }

    private void Queue(int index)
    {
        Submission* entry = queues.Next();
        if (entry == null)
        {
            // Full: the kernel or the threads empty it.
            Submit();
            entry = queues.Next();
        }

        Fill(entry, _operations[index]);
        entry->UserData = (ulong)index;
    }

    private void Fill(Submission* entry, in Operation operation)
    {
        ref readonly DeviceRequest request = ref operation.Request;
        entry->Flags = FixedFile;
        switch (request.Op)
        {
            case DeviceOp.Flush:
                entry->Op = Op.Sync;
                entry->OpFlags = DataSync;
                break;
            case DeviceOp.Read or DeviceOp.Write:
                entry->Op = request.Op == DeviceOp.Read ? Op.Read : Op.Write;
                entry->Offset = (ulong)(request.Offset + operation.Done);
                entry->Address = (ulong)(request.Buffer + (nint)operation.Done);
                entry->Length = (uint)Math.Min(request.Length - operation.Done, TransferBytesMax);
                bool durable = (request.Flags & DeviceFlags.Dsync) != 0 && !operation.FindsOut;
                entry->OpFlags = durable ? (uint)LibC.RwfDsync : 0;
                break;
            default:
                bool keep = request.Op == DeviceOp.Zero && (request.Flags & DeviceFlags.NoHole) != 0;
                entry->Op = Op.Allocate;
                entry->Offset = (ulong)request.Offset;
                entry->Address = (ulong)request.Length;
                entry->Length = (uint)(LibC.FallocKeepSize | (keep ? LibC.FallocZeroRange : LibC.FallocPunchHole));
                break;
        }
    }

    // From the start: writing or reading the same bytes twice does no harm.
    private void GiveToThreads(int index)
    {
        Operation operation = _operations[index];
        Free(index);
        if (operation.FindsOut)
            completions.PostFromOwner([new DeviceCompletion(operation.Request.Tag, Errno.EIO)]);
        else
            threads.Enqueue([operation.Request]);
    }

    private int TakeSlot()
    {
        if (_free.TryDequeue(out int index))
            return index;
        index = _operations.Length;
        Array.Resize(ref _operations, Math.Max(64, _operations.Length * 2));
        for (int i = index + 1; i < _operations.Length; i++)
            _free.Enqueue(i);
        return index;
    }

    private void Free(int index)
    {
        _free.Enqueue(index);
        InFlight--;
    }

    private struct Operation
    {
        public DeviceRequest Request;

        // Bytes transferred.
        public long Done;

        // A durable write that had no space, written again without its sync.
        public bool FindsOut;
    }
}
