using Scheduler.Core;

namespace Scheduler.Actors;

/// <summary>The clock and the timer of a volume's loop. Used on the volume's dispatcher.</summary>
public interface IVolumeTimer
{
    /// <summary>Now, in nanoseconds of a clock that never goes back.</summary>
    long NowNs { get; }

    /// <summary>Sends <see cref="WakeUp"/> to the volume at a time; replaces the time given before.</summary>
    /// <param name="timeNs">The time, or <see cref="long.MaxValue"/> for never.</param>
    void WakeAt(long timeNs);
}

/// <summary>The time that a volume asked to be woken at has come.</summary>
public sealed record WakeUp
{
    /// <summary>The message.</summary>
    public static WakeUp Instance { get; } = new();
}

/// <summary>What is ready has been handled: the volume submits what it has chosen.</summary>
public sealed record Settle
{
    /// <summary>The message.</summary>
    public static Settle Instance { get; } = new();
}

/// <summary>Where faults are made durable (F6).</summary>
public interface IFaultStore
{
    /// <summary>Makes a fault durable. Does not block.</summary>
    /// <param name="domain">The fenced domain.</param>
    /// <param name="error">Errno of the sync that failed.</param>
    /// <param name="done">Called once, from any thread: null when the fault is durable, otherwise why it can't be.</param>
    void Record(int domain, int error, Action<string?> done);

    /// <summary>Removes a fault's record, durably. Does not block.</summary>
    /// <param name="domain">The fenced domain.</param>
    /// <param name="by">Who cleared the fault.</param>
    /// <param name="done">Called once, from any thread: null when the record is gone, otherwise why it is not.</param>
    void Clear(int domain, string by, Action<string?> done);
}

/// <summary>Sees what a volume's scheduler answers. Called on the volume's dispatcher.</summary>
public interface IVolumeObserver
{
    /// <summary>A request was answered.</summary>
    /// <param name="guest">Index of its guest.</param>
    /// <param name="reply">The core's <see cref="EffectKind.Reply"/>.</param>
    /// <param name="nowNs">Now.</param>
    void Answered(int guest, in Effect reply, long nowNs);
}

/// <summary>What a volume's scheduler needs to start.</summary>
public sealed record VolumeSetup
{
    /// <summary>Name of the volume.</summary>
    public required string Name { get; init; }

    /// <summary>Its guests, disks and domains, for the core.</summary>
    public required VolumeSpec Spec { get; init; }

    /// <summary>Its devices.</summary>
    public required VolumeDevices Devices { get; init; }

    /// <summary>What its devices are called, in the same order; for messages.</summary>
    public IReadOnlyList<string> DeviceNames { get; init; } = [];

    /// <summary>Makes its clock and timer, which wakes the given actor.</summary>
    public required Func<ActorRef, IVolumeTimer> Timer { get; init; }

    /// <summary>
    /// Has <see cref="Settle"/> sent to the volume when everything that is ready now has been handled; null to have it sent at
    /// once, behind what is in the mailbox.
    /// </summary>
    public Action<ActorRef>? AfterTurn { get; init; }

    /// <summary>Where faults are made durable.</summary>
    public required IFaultStore Faults { get; init; }

    /// <summary>Instruments.</summary>
    public required VolumeTelemetry Telemetry { get; init; }

    /// <summary>Sees each answer as the core gives it, or null.</summary>
    public IVolumeObserver? Observer { get; init; }

    /// <summary>Which incarnation of the scheduler this is.</summary>
    public long Epoch { get; init; } = 1;

    /// <summary>
    /// How often a fault's record was removed, in all incarnations, as the store of <see cref="Faults"/> remembers. A ring that was
    /// attached before and has not come through all of them (<see cref="FaultWasCleared"/>) is not let in again: its guest must not go
    /// on as if nothing had been lost (F6).
    /// </summary>
    public long Clearings { get; init; }

    /// <summary>
    /// Says whether the devices are still this incarnation's; null: always (S5). Asked on the volume's dispatcher before it does
    /// anything. When it says no, nothing more is submitted or answered, and the volume stops.
    /// </summary>
    public Func<bool>? MayWrite { get; init; }
}

/// <summary>
/// Host to volume: answer what was accepted, flush, and stop. Once it is told, it does not change its mind.
/// </summary>
public sealed record StopVolume
{
    private StopVolume()
    {
    }

    /// <summary>It is served no more: its rings are told to close.</summary>
    public static StopVolume Instance { get; } = new();

    /// <summary>
    /// It will be served elsewhere: requests that come from now on are not taken, and its rings send them to its next scheduler. A
    /// ring that is not to be attached again closes.
    /// </summary>
    public static StopVolume ToMove { get; } = new() { Moves = true };

    /// <summary>Whether its rings go on with another scheduler.</summary>
    public bool Moves { get; private init; }
}

/// <summary>A volume may be another scheduler's by now (S5): this one has stopped, and left what it had unanswered.</summary>
/// <param name="volume">Name of the volume.</param>
/// <param name="epoch">The incarnation that has stopped.</param>
/// <param name="how">How it found out, to be put behind "epoch N"; empty: its lease says so.</param>
public sealed class VolumeNotOwnedException(string volume, long epoch, string how = "")
    : Exception($"S5: volume {volume} is no longer this scheduler's, which had it under epoch {epoch}{how}: it submits and answers nothing more");

/// <summary>Operator to volume: the fault of a domain was dealt with.</summary>
/// <param name="Domain">Index of the domain.</param>
/// <param name="By">Who clears it.</param>
/// <param name="Done">Called once, from any thread: null when it is cleared, otherwise why it is not.</param>
public sealed record ClearVolumeFault(int Domain, string By, Action<string?> Done);

/// <summary>Host to volume: disks have grown, or are new. All of it is done, or nothing.</summary>
/// <param name="Disks">The disks; what is not named stays as it is.</param>
/// <param name="Done">Called once, on the volume's dispatcher: null when rings may use them, otherwise why not.</param>
public sealed record ChangeDisks(IReadOnlyList<DiskSpec> Disks, Action<string?> Done);

/// <summary>Host to volume: a disk is no longer served. Refused while rings are attached, or the device has operations of one.</summary>
/// <param name="Disk">Name of the disk.</param>
/// <param name="Done">Called once, on the volume's dispatcher: null when its place may be used otherwise, otherwise why not.</param>
public sealed record RemoveDisk(string Disk, Action<string?> Done);

/// <summary>
/// Host to volume: guests have another weight, reservation, limit or bound, or are new; those come behind the others, in
/// order. Their rings go on. All of it is done, or nothing.
/// </summary>
/// <param name="Guests">The guests; who is not named stays as they are.</param>
/// <param name="Done">Called once, on the volume's dispatcher: null when it holds, otherwise why not.</param>
public sealed record ChangeGuests(IReadOnlyList<GuestSpec> Guests, Action<string?> Done);
