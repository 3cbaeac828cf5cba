namespace Scheduler.Storage.Lvm;

/// <summary>Why a volume is not served.</summary>
/// <param name="Problem">What is in the way, fit for the middle of a line.</param>
/// <param name="Remedy">What the operator can do.</param>
public sealed record LvmRefusal(string Problem, string Remedy);
