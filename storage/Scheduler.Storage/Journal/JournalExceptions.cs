namespace Scheduler.Storage.Journal;

/// <summary>The journal can't be reached, is full, or fails; what was being written may or may not be there.</summary>
/// <param name="message">The journal's name, what went wrong, and what may help.</param>
/// <param name="inner">What the database said.</param>
public sealed class JournalUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Somebody else has written events of this persistence id: nothing was appended.</summary>
/// <param name="message">Whose events, and the sequence number.</param>
/// <param name="inner">What the database said.</param>
public sealed class SequenceConflictException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Another has taken the volume under whose lease this was to be written (S5): nothing was appended.</summary>
/// <param name="message">Which volume, and the epoch of the lease.</param>
public sealed class VolumeTakenException(string message) : Exception(message);

/// <summary>The journal holds what no writer can have written: a gap, or what does not decode.</summary>
/// <param name="message">Whose events, the sequence number, and what is wrong with it.</param>
/// <param name="inner">What the decoder said.</param>
public sealed class JournalDamagedException(string message, Exception? inner = null) : Exception(message, inner);
