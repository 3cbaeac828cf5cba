// A fence that is the storage's own: persistent reservations, of SCSI or NVMe, on each device of a volume (S5).
//
// R1 An owner's key is its name's: the first 64 bits of the SHA-256 of node/process/started/boot. No other process has it, and who
//    takes over knows it from the lease's row.
// R2 The owner's host is registered, and the device reserved for registered hosts (write exclusive, registrants only), before the
//    first request. Others may read: LVM and path checkers do.
// R3 A former owner is excluded when this host is registered, the former's registration has been preempted, which aborts what it
//    has on the device and waits for that to end, and the reservation is this host's; on all devices.
// R4 That nobody is registered with a former owner's key is no failure: it has not come so far, or it was preempted. A reservation
//    that this host gets then says so, as only a registered host gets one: the refusal was not for it.
// R5 A reservation that is not a former owner's is let be: somebody else uses the device.
// R6 Who gives a volume back leaves reservation and registration as they are, and the row keeps its name: the next owner preempts
//    it as it does others. Without a reservation, one that was fenced before and has been asleep since then could write.
// R7 A key that is gone says nothing of its owner's I/O: a preemption takes it away first, and may break off, or the one that had
//    begun it may have died, before the I/O has ended. Unless this process has seen the end, or the former owner left, all that
//    the device has is aborted (AbortAll). NVMe has no command for that. There a preemption is known to have ended or not to have
//    begun as long as this process began it, and nobody has taken the lease between; else the operator has to look. (A SCSI one
//    is sent again by the kernel itself where a path is lost, so its refusal may be the answer to the second.)
// R8 A command can't be called off, and a device may never answer. A try that takes longer than its time is told as not done, with the
//    device; it goes on, and nothing else is begun on the volume's devices before it has ended. When it is not wanted any more (the
//    lease is given back) it ends after the command that it is at. If the device carries that out only after the next owner has
//    come, it changes nothing: this host was preempted, or is registered and no more.
//
// Who preempts while it holds the reservation already may be told that it is done, and nothing was (nvmet_pr_preempt in
// drivers/nvme/target/pr.c, of some kernels). That leaves nobody in who writes. Only one that holds the reservation has ever written: a host that is registered and no more has died, or lost the lease, before
// it was done with R3, and holds no lease when it wakes up.
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Scheduler.Storage.Lease;

/// <summary>Fences with reservations.</summary>
/// <param name="self">This process.</param>
/// <param name="pathsOf">Paths of a volume's devices, by its name.</param>
/// <param name="open">Opens a device; <see cref="ReservationDevice.Open"/> but in tests.</param>
/// <param name="timeMax">How long a try may take until it is told that it is not done.</param>
public sealed class ReservationFence(
    LeaseOwner self, Func<string, IReadOnlyList<string>> pathsOf, Func<string, IReservationDevice> open, TimeSpan timeMax) : IFence
{
    private readonly ulong _key = KeyOf(self);

    /// <summary>R7: preemptions that were begun, by path and key of the former owner, and whether they have ended.</summary>
    private readonly ConcurrentDictionary<(string Path, ulong Key), bool> _ended = [];

    /// <summary>R8: each volume's last try.</summary>
    private readonly ConcurrentDictionary<string, Try> _tries = [];

    /// <summary>The key under which an owner registers; not 0 (R1).</summary>
    /// <param name="owner">The owner.</param>
    public static ulong KeyOf(LeaseOwner owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        return Math.Max(1, BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(owner.ToString()))));
    }

    /// <inheritdoc/>
    public Task<FenceAnswer> ExcludeAsync(string volume, FormerOwner former, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(former);
        if (!former.IsLatest)
        {
            // Also on devices that are not reached this time: the one that came after it may be excluded before it is.
            foreach (string path in pathsOf(volume))
                _ = _ended.TryAdd((path, KeyOf(former.Owner)), false);
        }

        return OnEachAsync(volume, turn => TakeOver(turn, former), cancellation);
    }

    /// <inheritdoc/>
    public Task<FenceAnswer> EnterAsync(string volume, CancellationToken cancellation) => OnEachAsync(volume, Enter, cancellation);

    // R2
    private string Enter(Turn turn)
    {
        Register(turn.Device);
        turn.EndIfNotWanted();
        Reserve(turn.Device);

        // Nobody is left to be excluded.
        foreach ((string Path, ulong Key) former in _ended.Keys.Where(former => former.Path == turn.Path))
            _ = _ended.TryRemove(former, out _);
        return $"reserved with key {Text(_key)}";
    }

    // R3, R7
    private string TakeOver(Turn turn, FormerOwner former)
    {
        IReservationDevice device = turn.Device;
        Register(device);
        turn.EndIfNotWanted();
        (string Path, ulong Key) preemption = (turn.Path, KeyOf(former.Owner));
        bool wasBegun = !_ended.TryAdd(preemption, false);

        // What a holder is answered says nothing (see above).
        bool isDoubtful = wasBegun && !_ended[preemption] && device.Reserve(_key) == ReservationAnswer.Done;
        if (device.Preempt(_key, preemption.Key) == ReservationAnswer.Done && !isDoubtful)
        {
            _ended[preemption] = true;
            Reserve(device);
            return $"its key {Text(preemption.Key)} is preempted";
        }

        // A refusal: nothing was begun.
        if (!wasBegun)
            _ = _ended.TryRemove(preemption, out _);
        Reserve(device);
        string found = $"its key {Text(preemption.Key)} is not registered";
        if (former.HasLeft || (wasBegun && _ended[preemption]))
            return found;
        turn.EndIfNotWanted();
        if (device.AbortAll())
        {
            _ended[preemption] = true;
            return $"{found}, and all commands that the device had are aborted";
        }

        if (wasBegun)
        {
            throw new ReservationException(
                $"may have commands of its former owner under way: {found} any more, and nobody has seen the end of what that one had sent; see that it has "
                + "ended (its machine is off, or has no command at the device), then say in the database "
                + $"UPDATE volume_lease SET predecessors = array_remove(predecessors, '{former}') WHERE volume = '{turn.Volume}'");
        }

        return found;
    }

    private void Register(IReservationDevice device)
    {
        if (device.Register(_key) == ReservationAnswer.Conflict)
            throw new ReservationException($"refuses to register key {Text(_key)}; see who is registered there");
    }

    private void Reserve(IReservationDevice device)
    {
        if (device.Reserve(_key) == ReservationAnswer.Conflict)
            throw Reserved();
    }

    // R5
    private ReservationException Reserved() => new(
        $"has a reservation that is not this node's (whose key is {Text(_key)}) nor a former owner's; find out whose it is, and clear it if nobody needs it (sg_persist, nvme resv-report)");

    // R8
    private async Task<FenceAnswer> OnEachAsync(string volume, Func<Turn, string> work, CancellationToken cancellation)
    {
        if (_tries.TryGetValue(volume, out Try? before) && !await before.EndsWithinAsync(timeMax, cancellation))
            return new FenceAnswer(false, before.WhyNot);
        cancellation.ThrowIfCancellationRequested();
        Try now = new();
        _tries[volume] = now;
        now.Answer = Task.Factory.StartNew(() => OnEach(volume, work, now, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return await now.EndsWithinAsync(timeMax, cancellation) ? await now.Answer : new FenceAnswer(false, now.WhyNot);
    }

    private FenceAnswer OnEach(string volume, Func<Turn, string> work, Try now, CancellationToken cancellation)
    {
        List<string> done = [];
        foreach (string path in pathsOf(volume))
        {
            cancellation.ThrowIfCancellationRequested();
            now.Path = path;
            try
            {
                using IReservationDevice device = open(path);
                done.Add($"{path}: {work(new Turn(volume, path, device, cancellation))}");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return new FenceAnswer(false, e.Message.StartsWith(path, StringComparison.Ordinal) ? e.Message : $"{path} {e.Message}");
            }
        }

        cancellation.ThrowIfCancellationRequested();
        return new FenceAnswer(true, string.Join("; ", done));
    }

    private static string Text(ulong key) => $"0x{key:x16}";

    /// <summary>A device whose turn it is.</summary>
    private readonly record struct Turn(string Volume, string Path, IReservationDevice Device, CancellationToken Cancellation)
    {
        public void EndIfNotWanted() => Cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>One try on all devices of a volume.</summary>
    private sealed class Try
    {
        private readonly long _begunNs = BootClock.NowNs;
        private volatile string _path = "its first device";

        /// <summary>The device that it is at.</summary>
        public string Path
        {
            set => _path = value;
        }

        public Task<FenceAnswer> Answer { get; set; } = Task.FromResult(default(FenceAnswer));

        public string WhyNot => string.Create(
            CultureInfo.InvariantCulture,
            $"{_path} has not answered a reservation command for {(BootClock.NowNs - _begunNs) / 1_000_000_000} s; nothing else is begun before it has; check the device and all paths to it");

        /// <summary>Waits, whether it succeeds or not.</summary>
        public async Task<bool> EndsWithinAsync(TimeSpan time, CancellationToken cancellation) =>
            await Task.WhenAny(Answer, Task.Delay(time, cancellation)) == Answer || (cancellation.IsCancellationRequested ? throw new OperationCanceledException(cancellation) : false);
    }
}
