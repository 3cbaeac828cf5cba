namespace Scheduler.Storage.Lease;

/// <summary>A volume's former owners could not be fenced for so long that its lease was given back.</summary>
/// <param name="message">The volume, how long, and what the fence said: one line.</param>
public sealed class VolumeNotFencedException(string message) : Exception(message);
