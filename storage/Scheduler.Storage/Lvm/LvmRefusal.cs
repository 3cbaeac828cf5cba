namespace Scheduler.Storage.Lvm;

/// <summary>Why a volume is not served.</summary>
/// <param name="Problem">What is in the way, fit for the middle of a line.</param>
/// <param name="Remedy">What the operator can do.</param>
/// <param name="LacksDevice">A device that it lies on is missing, out of date or too small: it is not the kind of volume that is
/// in the way.</param>
public sealed record LvmRefusal(string Problem, string Remedy, bool LacksDevice = false);
