namespace Scheduler.Actors;

/// <summary>Ring to volume: take me. Answered with <see cref="Attached"/> or <see cref="AttachRefused"/>.</summary>
/// <param name="Disk">Name of the disk.</param>
/// <param name="Credits">Request slots that the ring asks for; 1 to 1,024.</param>
/// <param name="Streams">Streams; 1 to 255.</param>
/// <param name="Memory">The guest's buffers.</param>
/// <param name="Channel">The ring's batches, of this attachment.</param>
/// <param name="Epoch">Of the incarnation that the ring was attached to last; 0: none yet.</param>
public sealed record Attach(string Disk, int Credits, byte Streams, RingMemory Memory, RingChannel Channel, long Epoch = 0)
{
    /// <summary>Name of the guest that the ring is of: the disk has to be this guest's, also if it was made anew meanwhile. Null: not
    /// asked.</summary>
    public string? Guest { get; init; }

    /// <summary>How many clearings of faults of the volume the ring has come through; see <see cref="FaultWasCleared"/>.</summary>
    public long Clearings { get; init; }
}

/// <summary>Volume to ring: talk to this ref, and watch it.</summary>
/// <param name="Volume">The volume's scheduler.</param>
/// <param name="Epoch">Its incarnation; grows with each.</param>
/// <param name="Credits">Request slots granted, not more than asked for.</param>
/// <param name="Clearings">How often faults of the volume were cleared until now, in all its incarnations.</param>
public sealed record Attached(ActorRef Volume, long Epoch, int Credits, long Clearings = 0);

/// <summary>Volume to ring: a fault was cleared, and nothing of the ring's disk was lost (F6). Who does not hear of it, or was told to
/// close instead, is not let in by the next incarnation.</summary>
/// <param name="Clearings">As of <see cref="Attached"/>, with this one.</param>
public sealed record FaultWasCleared(long Clearings);

/// <summary>Volume to ring: no.</summary>
/// <param name="Reason">For the log.</param>
/// <param name="Again">Only for now: it stops or moves, or has to finish something first. A ring may ask again.</param>
public sealed record AttachRefused(string Reason, bool Again = false);

/// <summary>Ring to volume: the guest is gone. (A ring that stops without it is noticed by watching.)</summary>
public sealed record Detach
{
    /// <summary>The message.</summary>
    public static Detach Instance { get; } = new();
}

/// <summary>Volume to ring: close, the guest may have lost data (F6), or the volume stops.</summary>
/// <param name="Reason">For the log.</param>
/// <param name="Answer">Whether requests that are unanswered get an error first.</param>
public sealed record Disconnect(string Reason, bool Answer);

/// <summary>Front end to ring: the guest is gone.</summary>
internal sealed record CloseRing
{
    public static readonly CloseRing Instance = new();
}
