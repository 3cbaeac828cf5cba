// Reservation commands of a block device: the ioctls of include/uapi/linux/pr.h, the same for SCSI and NVMe.
//
// The device is opened exclusively, as volumes open theirs. Two processes of one machine that use the same block device are one
// host to it, which no reservation tells apart; the exclusive open does. It succeeds only when no other process of this machine
// has the device open as a volume, and none that was killed has left I/O there: what is in flight holds the open file.
//
// An ioctl answers 0, -1 with errno, or a status of the device: since Linux 6.3 one of enum pr_status (include/linux/pr.h), before
// that the SCSI result or the NVMe status as it came.
using System.Globalization;
using Scheduler.Storage.Native;

namespace Scheduler.Storage.Lease;

/// <summary>A disk that has reservations, opened exclusively.</summary>
public sealed unsafe class ReservationDevice : IReservationDevice
{
    private const nuint RegisterCall = 0x401870c8; // IOC_PR_REGISTER
    private const nuint ReserveCall = 0x401070c9; // IOC_PR_RESERVE
    private const nuint PreemptAbortCall = 0x401870cc; // IOC_PR_PREEMPT_ABORT
    private const nuint ResetCall = 0x2284; // SG_SCSI_RESET of include/scsi/sg.h
    private const int ResetUnit = 0x101; // SG_SCSI_RESET_DEVICE alone: SG_SCSI_RESET_NO_ESCALATE
    private const uint IgnoreKey = 1; // PR_FL_IGNORE_KEY
    private const uint WriteExclusiveRegistrantsOnly = 3; // PR_WRITE_EXCLUSIVE_REG_ONLY

    // A unit attention, which says what has happened to the device since, is told once in place of the answer.
    private const int Tries = 5;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly int _descriptor;
    private readonly string _path;
    private readonly ReservationKind _kind;

    private ReservationDevice(int descriptor, string path, ReservationKind kind)
    {
        _descriptor = descriptor;
        _path = path;
        _kind = kind;
    }

    /// <summary>Opens a device.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="kind">What it has to be.</param>
    /// <exception cref="ReservationException">It is not of that kind, can't be opened, or is in use on this machine.</exception>
    /// <returns>The device.</returns>
    public static ReservationDevice Open(string path, ReservationKind kind)
    {
        if (WhyNot(path, kind) is { } reason)
            throw new ReservationException(reason);
        int descriptor = FileCalls.Open(path, LibC.ReadWrite | LibC.Exclusive);
        return descriptor switch
        {
            >= 0 => new ReservationDevice(descriptor, path, kind),
            -Errno.EBUSY => throw new ReservationException(
                $"{path} is in use by another process of this machine, or mounted; nodes that share a device need a machine each, so end that process"),
            _ => throw new ReservationException($"{path} can't be opened: {FileCalls.Describe(-descriptor)}; check that this node reaches it, and its permissions"),
        };
    }

    /// <summary>Why a path can't be reserved, whoever uses it now.</summary>
    /// <param name="path">The path.</param>
    /// <param name="kind">What it has to be.</param>
    /// <returns>One line that names the path and what helps; null if it can.</returns>
    public static string? WhyNot(string path, ReservationKind kind)
    {
        int error = FileStatus.Get(path, out FileStatus status);
        if (error != 0)
            return $"{path} can't be looked at: {FileCalls.Describe(error)}; check that this node reaches it";
        if (!status.IsBlockDevice)
            return $"{path} is no block device, and only those can be reserved; name a disk, or fence with a command";
        string device = string.Create(CultureInfo.InvariantCulture, $"/sys/dev/block/{status.Device.Major}:{status.Device.Minor}");
        if (File.Exists($"{device}/partition"))
            return $"{path} is a partition, and a reservation is of a whole disk; name that, or fence with a command";
        ReservationKind? found = KindOf(device);
        return found == kind ? null
            : found is null ? $"{path} is neither a SCSI disk nor an NVMe namespace, nor multipath over these; name what is below it, or fence with a command"
            : $"{path} is {(found == ReservationKind.Scsi ? "a SCSI disk; fence with scsi-pr" : "an NVMe namespace; fence with nvme")}";
    }

    /// <inheritdoc/>
    public ReservationAnswer Register(ulong key)
    {
        // NVMe knows two commands: to register, which fails if there is another key, and to replace one, which fails if there is none.
        ReservationAnswer answer = Register(0, key);
        return answer == ReservationAnswer.Conflict ? Register(key, key) : answer;
    }

    /// <inheritdoc/>
    public ReservationAnswer Reserve(ulong key)
    {
        Reservation reservation = new() { Key = key, Type = WriteExclusiveRegistrantsOnly };
        return Call(ReserveCall, &reservation, "reserved");
    }

    /// <inheritdoc/>
    public ReservationAnswer Preempt(ulong key, ulong other)
    {
        // old_key is the caller's, new_key the one that is taken away (sd_pr_preempt, nvme_pr_preempt), whatever
        // Documentation/block/pr.rst says. It waits: LIO for each aborted command (core_tmr_drain_state_list in
        // drivers/target/target_core_tmr.c), nvmet for all commands of the other hosts (nvmet_pr_do_abort in
        // drivers/nvme/target/pr.c).
        Preemption preemption = new() { OldKey = key, NewKey = other, Type = WriteExclusiveRegistrantsOnly };
        return Call(PreemptAbortCall, &preemption, "taken from its former owner");
    }

    /// <inheritdoc/>
    public bool AbortAll()
    {
        // NVMe resets controllers, and that only of this host, or whole subsystems.
        if (_kind == ReservationKind.Nvme)
            return false;

        // A logical unit's reset, which is answered when all its commands have ended (SAM-5, 7.7; core_tmr_lun_reset in
        // drivers/target/target_core_tmr.c).
        int reset = ResetUnit;
        int error = 0;
        for (int i = 0; i < Tries; i++)
        {
            if (LibC.IoControl(_descriptor, ResetCall, &reset) == 0)
                return true;
            error = LibC.LastError;

            // iSCSI does one such thing at a time, its own error handling among them, and waits no longer when the thread is sent a
            // signal (iscsi_eh_device_reset and iscsi_exec_task_mgmt_fn in drivers/scsi/libiscsi.c).
            if (error is not (Errno.EIO or Errno.EINTR))
                break;
            Thread.Sleep(s_pause);
        }

        throw Refused("made to abort what its former owner may have under way", error);
    }

    /// <inheritdoc/>
    public void Dispose() => _ = LibC.Close(_descriptor);

    private static ReservationKind? KindOf(string device)
    {
        if (File.Exists($"{device}/nsid"))
            return ReservationKind.Nvme;
        if (Path.GetFileName(new DirectoryInfo($"{device}/device/subsystem").LinkTarget) == "scsi")
            return ReservationKind.Scsi;
        if (!File.Exists($"{device}/dm/uuid") || !File.ReadAllText($"{device}/dm/uuid").StartsWith("mpath-", StringComparison.Ordinal))
            return null;
        List<ReservationKind?> paths = [.. Directory.GetFileSystemEntries($"{device}/slaves").Select(KindOf).Distinct()];
        return paths.Count == 1 ? paths[0] : null;
    }

    private ReservationAnswer Register(ulong old, ulong key)
    {
        Registration registration = new() { OldKey = old, NewKey = key, Flags = IgnoreKey };
        return Call(RegisterCall, &registration, "registered with");
    }

    private ReservationAnswer Call(nuint request, void* argument, string verb)
    {
        int status = 0;
        for (int i = 0; i < Tries; i++)
        {
            status = LibC.IoControl(_descriptor, request, argument);
            if (status == 0)
                return ReservationAnswer.Done;
            if (status < 0 && LibC.LastError != Errno.EINTR)
                throw Refused(verb, LibC.LastError);
            if (status > 0 && IsConflict(status))
                return ReservationAnswer.Conflict;
        }

        throw new ReservationException($"{_path} can't be {verb}: its answer is 0x{status:x}; check the device and the paths to it");
    }

    // PR_STS_RESERVATION_CONFLICT is SCSI's status. Before Linux 6.3: the lowest byte of a SCSI result, and NVMe's 0x83, which may
    // have the bit for "do not retry".
    private bool IsConflict(int status) =>
        (status & 0xff) == 0x18 || (_kind == ReservationKind.Nvme && (status & 0x7ff) == 0x83);

    private ReservationException Refused(string verb, int error) => new(
        $"{_path} can't be {verb}: {FileCalls.Describe(error)}; " + error switch
        {
            Errno.EPERM => "the service needs CAP_SYS_ADMIN for that",
            LibC.EACCES => "the service needs CAP_SYS_ADMIN and CAP_SYS_RAWIO for that",
            Errno.EOPNOTSUPP or Errno.EINVAL or LibC.ENOTTY => "switch persistent reservations on where the storage has them, or fence with a command",
            _ => "check the device and the paths to it",
        });

    // struct pr_registration
    private struct Registration
    {
        public ulong OldKey;
        public ulong NewKey;
        public uint Flags;
        public uint Unused;
    }

    // struct pr_reservation
    private struct Reservation
    {
        public ulong Key;
        public uint Type;
        public uint Flags;
    }

    // struct pr_preempt
    private struct Preemption
    {
        public ulong OldKey;
        public ulong NewKey;
        public uint Type;
        public uint Flags;
    }
}
