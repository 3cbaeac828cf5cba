namespace Scheduler.Storage.Calibration;

/// <summary>A device can't be measured. The message is one line that says what went wrong.</summary>
/// <param name="message">The line.</param>
public sealed class CalibrationException(string message) : IOException(message);
