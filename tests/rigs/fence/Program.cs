// Old owners that go on writing, and new ones that fence them, on real devices: two block devices of this machine that are one
// disk, reached under two names. What lands is read from what lies below that disk, which delays writes.
//
//   fence-guest scsi|nvme OLD NEW BELOW threads|io-uring [PATH]
//
// PATH is one of those of OLD, if that is device-mapper multipath.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Scheduler.Storage;
using Scheduler.Storage.Lease;

namespace Scheduler.FenceGuest;

internal static partial class Program
{
    private const int EBADE = 52;
    private const int OpenDirect = 0x4000;
    private const int ReadWrite = 2;
    private static readonly TimeSpan s_lease = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private static readonly Stopwatch s_clock = Stopwatch.StartNew();

    private static async Task<int> Main(string[] arguments)
    {
        try
        {
            await RunAsync(
                arguments[0] == "scsi" ? ReservationKind.Scsi : ReservationKind.Nvme,
                arguments[1],
                arguments[2],
                arguments[3],
                arguments[4] == "threads" ? IoMethod.Threads : IoMethod.IoUring,
                arguments.Length > 5 ? arguments[5] : null);
            return 0;
        }
        catch (Exception failure)
        {
            Say($"failed: {failure}");
            return 1;
        }
    }

    private static async Task RunAsync(ReservationKind kind, string oldPath, string newPath, string below, IoMethod io, string? part)
    {
        ReservationKind other = kind == ReservationKind.Scsi ? ReservationKind.Nvme : ReservationKind.Scsi;
        Check("the_other_kind_is_refused_by_name", ReservationDevice.WhyNot(oldPath, other), said => said?.StartsWith(oldPath + " is ", StringComparison.Ordinal) == true);
        Check("a_disk_without_reservations_is_refused", ReservationDevice.WhyNot(below, kind), said => said?.Contains("neither a SCSI disk nor an NVMe namespace", StringComparison.Ordinal) == true);

        MemoryLeases leases = new();
        LeaseOwner first = new("node1", 101, 1, Guid.Empty), second = new("node2", 202, 2, Guid.Empty), third = new("node2", 303, 3, Guid.Empty);

        // The old owner loses its lease, and does not notice.
        VolumeOwnership old = await AcquireAsync(leases, first, oldPath, kind);
        using (Writer stubborn = new(oldPath, io, first: 1))
        {
            await Until("it writes", () => stubborn.Done > 16);
            Check("a_device_in_use_on_this_machine_is_not_taken", Try(() => ReservationDevice.Open(oldPath, kind).Dispose()), said => said.Contains("in use by another process of this machine", StringComparison.Ordinal));

            // The first time takes longest, and after the fence there is not much.
            _ = Digest(below);
            leases.Expire();
            long done = stubborn.Done;
            Check("writes_are_under_way_when_it_is_fenced", stubborn.InFlight, count => count > 4);
            VolumeOwnership next = await AcquireAsync(leases, second, newPath, kind);
            string landed = Digest(below);
            long fencedAt = stubborn.Done;
            Say($"{done} writes before, {fencedAt - done} while it was fenced");

            // Longer than a write is delayed below.
            await Task.Delay(TimeSpan.FromSeconds(5));
            Check("nothing_of_the_old_owner_lands_after_the_fence", Digest(below), after => after == landed);
            await Until("its writes fail", () => !stubborn.Errors.IsEmpty);
            Check("its_writes_fail_as_kept_out", string.Join(' ', stubborn.Errors.Select(error => $"{error.Key}: {error.Value}")), _ => stubborn.Errors.Keys.SequenceEqual([EBADE]));
            using (Writer writer = new(newPath, io, first: 1_000_000))
                await Until("the new owner writes", () => writer.Done > 0);
            Check("the_new_owner_writes", Digest(below), after => after != landed);

            // It dies. Another process of its machine comes after it, and the first one's machine is still kept out.
            leases.Expire();
            VolumeOwnership again = await AcquireAsync(leases, third, newPath, kind);
            landed = Digest(below);
            await Task.Delay(TimeSpan.FromSeconds(1));
            Check("it_stays_out_when_another_process_of_the_owners_machine_comes", Digest(below), after => after == landed);

            // Gives it back, and nobody owns it.
            long before = stubborn.Done;
            await again.DisposeAsync();
            await Task.Delay(TimeSpan.FromSeconds(1));
            Check("it_stays_out_when_the_owner_has_given_the_volume_back", Digest(below), after => after == landed && stubborn.Done == before);
            await next.DisposeAsync();
        }

        // The one that was fenced first comes again, and takes over from the one that left, whose host writes no more.
        await old.DisposeAsync();
        VolumeOwnership back = await AcquireAsync(leases, first, oldPath, kind);
        using (Writer writer = new(oldPath, io, first: 2_000_000), left = new(newPath, io, first: 3_000_000))
        {
            await Until("it writes again, and the other is kept out", () => writer.Done > 0 && !left.Errors.IsEmpty);
            Check("a_former_owner_takes_over_from_one_that_has_left", $"epoch {back.Epoch}, written by the other {left.Done}", found => found == "epoch 4, written by the other 0");
        }

        await back.DisposeAsync();
        back = await AcquireAsync(leases, first, oldPath, kind);
        using (Writer writer = new(oldPath, io, first: 4_000_000))
            await Until("it writes", () => writer.Done > 0);
        Check("who_left_may_come_again", back.Epoch, epoch => epoch == 5);
        await back.DisposeAsync();

        if (part is not null)
        {
            // A path that was away when the others were registered, as the device has it.
            back = await AcquireAsync(leases, first, oldPath, kind);
            string errors;
            using (Writer writer = new(oldPath, io, first: 6_000_000))
            {
                await Until("it writes", () => writer.Done > 16);
                Unregister(part, ReservationFence.KeyOf(first));
                await Until("its writes fail", () => !writer.Errors.IsEmpty);
                errors = string.Join(' ', writer.Errors.Keys);
            }

            await back.DisposeAsync();
            back = await AcquireAsync(leases, first, oldPath, kind);
            using (Writer writer = new(oldPath, io, first: 7_000_000))
            {
                await Until("it writes again", () => writer.Done > 48);
                Check("a_path_that_is_not_registered_is_told_and_is_when_the_volume_is_taken_again", $"{errors}, then {writer.Errors.Count}", found => found == $"{EBADE}, then 0");
            }

            await back.DisposeAsync();
        }

        // One that took over died when the key was gone, and what it had been to end was not.
        back = await AcquireAsync(leases, first, oldPath, kind);
        using (Writer writer = new(oldPath, io, first: 5_000_000))
        {
            await Until("it writes", () => writer.Done > 0 && writer.InFlight > 4);
            LeaseOwner died = new("node4", 505, 5, Guid.Empty), fourth = new("node2", 606, 6, Guid.Empty);
            using (ReservationDevice device = ReservationDevice.Open(newPath, kind))
                _ = device.Register(ReservationFence.KeyOf(died));
            PreemptWithoutAbort(newPath, ReservationFence.KeyOf(died), ReservationFence.KeyOf(first));
            FenceAnswer answer = await Fence(fourth, newPath, kind).ExcludeAsync("v", new FormerOwner(first, HasLeft: false) { IsLatest = false }, CancellationToken.None);
            string landed = Digest(below);
            await Task.Delay(TimeSpan.FromSeconds(5));
            Check("a_preemption_that_was_broken_off_is_not_taken_for_done", $"{answer}; landed later: {Digest(below) != landed}", _ => kind == ReservationKind.Scsi
                ? answer.Excluded && answer.Text.Contains("are aborted", StringComparison.Ordinal) && Digest(below) == landed
                : !answer.Excluded && answer.Text.Contains("may have commands of its former owner under way", StringComparison.Ordinal));
        }

        using (ReservationDevice device = ReservationDevice.Open(oldPath, kind))
            Check("a_disk_is_reset_if_it_is_scsi", device.AbortAll(), done => done == (kind == ReservationKind.Scsi));

        // Somebody else's, of whom these leases know nothing.
        LeaseOwner stranger = new("stranger", 404, 4, Guid.Empty);
        ReservationFence ours = Fence(first, oldPath, kind), theirs = Fence(stranger, newPath, kind);
        _ = await theirs.ExcludeAsync("v", new FormerOwner(first, HasLeft: true), CancellationToken.None);
        Check("a_strange_reservation_is_told", (await ours.EnterAsync("v", CancellationToken.None)).ToString(), said => said.Contains($"{oldPath} has a reservation that is not this node's", StringComparison.Ordinal));
        Check("and_let_be", (await ours.ExcludeAsync("v", new FormerOwner(stranger, HasLeft: true), CancellationToken.None)).ToString(), said => said.Contains("is preempted", StringComparison.Ordinal));
    }

    private static ReservationFence Fence(LeaseOwner owner, string path, ReservationKind kind) => new(owner, _ => [path], name => ReservationDevice.Open(name, kind), s_patience);

    private static async Task<VolumeOwnership> AcquireAsync(MemoryLeases leases, LeaseOwner owner, string path, ReservationKind kind)
    {
        using CancellationTokenSource limit = new(s_patience);
        return await VolumeOwnership.AcquireAsync(leases, Fence(owner, path, kind), "v", owner, s_lease, s_patience, Say, limit.Token);
    }

    private static void Check<T>(string name, T found, Func<T, bool> holds) => Say($"{(holds(found) ? "PASS" : "FAIL")} {name} ({found})");

    private static string Try(Action action)
    {
        try
        {
            action();
            return "it was done";
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    private static async Task Until(string what, Func<bool> holds)
    {
        for (long end = s_clock.ElapsedMilliseconds + 60_000; !holds(); await Task.Delay(10))
        {
            if (s_clock.ElapsedMilliseconds > end)
                throw new TimeoutException($"not within 60 s: {what}");
        }
    }

    // Past the page cache, which does not know what others write.
    private static unsafe string Digest(string path)
    {
        const int bytes = 8 << 20;
        int descriptor = Open(path, OpenDirect);
        byte* memory = (byte*)NativeMemory.AlignedAlloc(bytes, 4096);
        nint read = Read(descriptor, memory, bytes);
        string digest = read == bytes ? Convert.ToHexString(SHA256.HashData(new ReadOnlySpan<byte>(memory, bytes)))[..16] : throw new IOException($"{path}: read {read}");
        NativeMemory.AlignedFree(memory);
        _ = Close(descriptor);
        return digest;
    }

    // IOC_PR_PREEMPT: all of IOC_PR_PREEMPT_ABORT but the abort.
    private static unsafe void PreemptWithoutAbort(string path, ulong key, ulong other)
    {
        int descriptor = Open(path, ReadWrite);
        ulong* preemption = stackalloc ulong[] { key, other, 3 };
        int status = IoControl(descriptor, 0x401870cb, preemption);
        _ = Close(descriptor);
        if (status != 0)
            throw new IOException($"{path}: preempting answers 0x{status:x}");
    }

    // IOC_PR_REGISTER, of one path; the map has it open.
    private static unsafe void Unregister(string path, ulong key)
    {
        int descriptor = Open(path, ReadWrite);
        ulong* registration = stackalloc ulong[] { key, 0, 0 };
        int status = IoControl(descriptor, 0x401870c8, registration);
        _ = Close(descriptor);
        if (status != 0)
            throw new IOException($"{path}: unregistering answers 0x{status:x}");
    }

    private static void Say(string line) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{s_clock.Elapsed.TotalSeconds:0.000} {line}"));

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "read")]
    private static unsafe partial nint Read(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static unsafe partial int IoControl(int descriptor, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
