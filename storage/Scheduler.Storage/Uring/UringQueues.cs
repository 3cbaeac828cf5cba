using Scheduler.Storage.Native;
using static Scheduler.Storage.Uring.UringCalls;

namespace Scheduler.Storage.Uring;

/// <summary>
/// The two queues that the kernel shares with one io_uring (io_uring(7)), and the one file that is registered with it.
/// Not synchronized.
/// </summary>
/// <remarks>
/// <para>Memory order: each queue has one writer for each of its ends. What this side reads of the kernel's (completion tail,
/// submission head) it reads with acquire; its own (submission tail, completion head) it writes with release, after the
/// entries: what the other side sees of an index, it sees of the entries too. No full barrier is needed, as no kernel thread
/// polls the submission queue: the kernel looks at it only within io_uring_enter(2).</para>
/// <para>No set-up flags. Measured here with one thread that submits and waits in epoll, IORING_SETUP_COOP_TASKRUN with and
/// without SINGLE_ISSUER make no difference. IORING_SETUP_DEFER_TASKRUN is slower: the kernel wakes a poller of the
/// io_uring's descriptor only once the work is done that it defers, so the completions need an eventfd, to be read, and one
/// more io_uring_enter.</para>
/// </remarks>
internal sealed unsafe class UringQueues : IDisposable
{
    private readonly byte* _rings;
    private readonly nuint _ringsBytes;
    private readonly Submission* _entries;
    private readonly uint* _submissionHead;
    private readonly uint* _submissionTail;
    private readonly uint* _submissionFlags;
    private readonly uint* _completionHead;
    private readonly uint* _completionTail;
    private readonly Completion* _completions;
    private readonly uint _size;
    private readonly uint _completionMask;

    // The submission tail that the kernel will see next.
    private uint _tail;

    private UringQueues(int descriptor, in Parameters parameters, byte* rings, nuint ringsBytes, Submission* entries)
    {
        Descriptor = descriptor;
        _rings = rings;
        _ringsBytes = ringsBytes;
        _entries = entries;
        _size = parameters.SubmissionEntries;
        _submissionHead = (uint*)(rings + parameters.Submission.Head);
        _submissionTail = (uint*)(rings + parameters.Submission.Tail);
        _submissionFlags = (uint*)(rings + parameters.Submission.Flags);
        _completionHead = (uint*)(rings + parameters.Completion.Head);
        _completionTail = (uint*)(rings + parameters.Completion.Tail);
        _completions = (Completion*)(rings + parameters.Completion.Completions);
        _completionMask = parameters.CompletionEntries - 1;

        // The indirection is not used: entry i is entry i.
        uint* order = (uint*)(rings + parameters.Submission.Array);
        for (uint i = 0; i < _size; i++)
            order[i] = i;
    }

    /// <summary>The io_uring: readable, for poll(2) and epoll(7), while there are completions.</summary>
    public int Descriptor { get; }

    /// <summary>Entries that were filled but not taken by the kernel.</summary>
    public uint Waiting => _tail - Volatile.Read(ref *_submissionHead);

    /// <summary>Makes an io_uring with a registered file.</summary>
    /// <param name="file">The file; index 0 to submissions.</param>
    /// <param name="entries">Submission entries, a power of two; there are twice as many completions.</param>
    /// <param name="refusal">Why there is none, where there is none.</param>
    /// <returns>Its queues, or null.</returns>
    public static UringQueues? TryCreate(int file, int entries, out string refusal)
    {
        Parameters parameters = default;
        int descriptor = Setup((uint)entries, &parameters);
        if (descriptor < 0)
        {
            refusal = UringRefusal.OfSetup(LastError);
            return null;
        }

        UringQueues? queues = null;
        refusal = UringRefusal.OfFeatures(descriptor, parameters.Features);
        if (refusal.Length == 0)
            queues = Map(descriptor, parameters, out refusal);
        if (queues is not null && Register(descriptor, RegisterFiles, &file, 1) < 0)
        {
            refusal = $"io_uring_register(files): {FileCalls.Describe(LastError)}";
            queues.Unmap();
            queues = null;
        }

        if (queues is null)
            _ = LibC.Close(descriptor);
        return queues;
    }

    /// <summary>The next entry to fill, zeroed; null while the queue is full.</summary>
    public Submission* Next()
    {
        if (Waiting == _size)
            return null;
        Submission* entry = &_entries[_tail++ & (_size - 1)];
        *entry = default;
        return entry;
    }

    /// <summary>Hands all filled entries to the kernel, in one call as a rule. Does not wait for any of them.</summary>
    /// <returns>Whether the kernel took all. It may be short of memory (EAGAIN), or, before Linux 5.19, insist on
    /// completions being reaped first (EBUSY).</returns>
    public bool Submit()
    {
        Volatile.Write(ref *_submissionTail, _tail);
        for (uint waiting = Waiting; waiting > 0; waiting = Waiting)
        {
            int taken = Enter(Descriptor, waiting, 0);
            if (taken == 0 || (taken < 0 && LastError != Errno.EINTR))
                return false;
        }

        return true;
    }

    /// <summary>Takes the last entry back that the kernel has not taken.</summary>
    /// <param name="userData">Of the entry.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryTakeBack(out ulong userData)
    {
        userData = 0;
        if (Waiting == 0)
            return false;
        userData = _entries[--_tail & (_size - 1)].UserData;
        Volatile.Write(ref *_submissionTail, _tail);
        return true;
    }

    /// <summary>The oldest completion, taken out.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryReap(out Completion completion)
    {
        uint head = *_completionHead;
        if (head == Volatile.Read(ref *_completionTail) && !FetchOverflow(head))
        {
            completion = default;
            return false;
        }

        completion = _completions[head & _completionMask];
        Volatile.Write(ref *_completionHead, head + 1);
        return true;
    }

    /// <summary>Waits for a completion.</summary>
    public void Wait()
    {
        LibC.PollFd fd = new() { Fd = Descriptor, Events = LibC.PollIn };
        _ = LibC.PPoll(&fd, 1, null, null);
    }

    /// <summary>Frees all. Nothing may be in flight: the kernel would go on with it.</summary>
    public void Dispose()
    {
        // Closing lets go of the file only some time later.
        _ = Register(Descriptor, UnregisterFiles, null, 0);
        Unmap();
        _ = LibC.Close(Descriptor);
    }

    // Completions that found the queue full are kept by the kernel until somebody asks for them.
    private bool FetchOverflow(uint head)
    {
        if ((Volatile.Read(ref *_submissionFlags) & SubmissionFlagOverflow) == 0)
            return false;
        while (Enter(Descriptor, 0, EnterGetEvents) < 0 && LastError == Errno.EINTR)
        {
        }

        return head != Volatile.Read(ref *_completionTail);
    }

    private static UringQueues? Map(int descriptor, in Parameters parameters, out string refusal)
    {
        nuint ringsBytes = Math.Max(
            parameters.Submission.Array + (parameters.SubmissionEntries * sizeof(uint)),
            parameters.Completion.Completions + (parameters.CompletionEntries * (uint)sizeof(Completion)));
        nuint entriesBytes = parameters.SubmissionEntries * (nuint)sizeof(Submission);
        byte* rings = UringCalls.Map(descriptor, ringsBytes, RingsOffset);
        byte* entries = rings == null ? null : UringCalls.Map(descriptor, entriesBytes, EntriesOffset);
        if (entries != null)
        {
            refusal = "";
            return new UringQueues(descriptor, parameters, rings, ringsBytes, (Submission*)entries);
        }

        refusal = $"mmap of an io_uring: {FileCalls.Describe(LastError)}";
        if (rings != null)
            _ = UringCalls.Unmap(rings, ringsBytes);
        return null;
    }

    private void Unmap()
    {
        _ = UringCalls.Unmap(_entries, _size * (nuint)sizeof(Submission));
        _ = UringCalls.Unmap(_rings, _ringsBytes);
    }
}
