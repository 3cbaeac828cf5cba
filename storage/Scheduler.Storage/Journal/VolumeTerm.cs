namespace Scheduler.Storage.Journal;

/// <summary>A time that a volume has one owner: what the row of its lease says as long as nobody else has taken it.</summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Epoch">Of the lease.</param>
public readonly record struct VolumeTerm(string Volume, long Epoch);
