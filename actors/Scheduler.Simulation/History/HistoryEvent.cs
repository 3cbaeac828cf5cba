using System.Globalization;
using Scheduler.Storage;

namespace Scheduler.Simulation;

/// <summary>One line of a history.</summary>
internal record struct HistoryEvent
{
    /// <summary>Its place in the history: the checkers' time.</summary>
    public int Index;
    public HistoryKind Kind;
    public DeviceOp DeviceOp;
    public DeviceFlags DeviceFlags;
    public int Ring;
    public int Domain;

    /// <summary>Number of a request, or of a device operation.</summary>
    public int Number;

    /// <summary>A device operation: the request whose buffer it uses, or 0.</summary>
    public int Request;

    /// <summary>Errno, credits, or count.</summary>
    public int Value;
    public long Offset;
    public long Length;
    public long TimeNs;

    /// <summary>The line of the table.</summary>
    public readonly string Text(History history)
    {
        string what = Kind switch
        {
            HistoryKind.Open => $"ring {Ring} disk {history.Rings[Ring].Disk}",
            HistoryKind.Attached => $"ring {Ring} credits {Value}",
            HistoryKind.Submit => $"ring {Ring} {history.Requests[Number]}",
            HistoryKind.Accepted => $"ring {Ring} r{Number}",
            HistoryKind.Reply or HistoryKind.Answered => $"ring {Ring} {history.Requests[Number]}{Error}",
            HistoryKind.Detach or HistoryKind.Closed => $"ring {Ring}",
            HistoryKind.DeviceStart or HistoryKind.DeviceEnd when DeviceOp == DeviceOp.Flush => $"domain {Domain} #{Number} Flush{Error}",
            HistoryKind.DeviceStart or HistoryKind.DeviceEnd =>
                $"domain {Domain} #{Number} {DeviceOp}{(DeviceFlags == DeviceFlags.None ? "" : "+" + DeviceFlags)} {Sectors(Offset, Length)}{Error}",
            HistoryKind.SyncFailed or HistoryKind.FaultRecorded or HistoryKind.RecordCleared or HistoryKind.FaultCleared => $"domain {Domain}{Error}",
            HistoryKind.GuestChanged => $"guest {Number} weight {Value}",
            HistoryKind.DiskServed => $"disk {Number} {Sectors(0, Length)}",
            HistoryKind.DiskRemoved => $"disk {Number}",
            HistoryKind.FaultWritten => $"event {Number} domain {Domain}{Error}",
            HistoryKind.Stopped or HistoryKind.Moved => Value == 0 ? "clean" : "fenced",
            _ => "",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{Index,7} {TimeNs / 1e6,11:F3} ms  {Kind,-13} {what}");
    }

    public static string Sectors(long offset, long length) => $"[{offset / SectorMedia.SectorBytes}+{length / SectorMedia.SectorBytes}]";

    private readonly string Error => Value == 0 ? "" : $" error {Value}";
}
