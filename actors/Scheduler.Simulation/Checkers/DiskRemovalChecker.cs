// S2: when a disk is taken away, nothing of it reaches its place any more, and nobody is let in.
// S3: it goes only when all that it was asked is answered, and the device is done with it.
using Scheduler.Storage;

namespace Scheduler.Simulation;

/// <summary>A disk that is taken away is gone, and nothing of it is lost.</summary>
internal sealed class DiskRemovalChecker(History history, DiskMap map) : Checker
{
    private readonly int[] _onDevice = new int[map.Spec.Disks.Count];

    public override void See(in HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case HistoryKind.DeviceStart when happened.DeviceOp != DeviceOp.Flush && DiskOf(happened) is var disk and >= 0:
                _onDevice[disk]++;
                Holds(map.IsServed(disk), "S2", $"the device is given work of disk {disk}, which was taken away");
                break;
            case HistoryKind.DeviceEnd when happened.DeviceOp != DeviceOp.Flush && DiskOf(happened) is var disk and >= 0:
                _onDevice[disk]--;
                break;
            case HistoryKind.Attached:
                Holds(map.IsServed(history.Rings[happened.Ring].Disk), "S2", $"ring {happened.Ring} is let in to disk {history.Rings[happened.Ring].Disk}, which was taken away");
                break;
            case HistoryKind.DiskRemoved:
                int gone = happened.Number;
                Holds(_onDevice[gone] == 0, "S2", $"disk {gone} is taken away with {_onDevice[gone]} operations of it on the device");
                foreach (RingRecord ring in history.Rings)
                    Holds(ring.Disk != gone || ring.Closed || ring.Pending.Count == 0, "S3", $"disk {gone} is taken away while ring {ring.Id} waits for {ring.Pending.Count} answers");
                break;
            case HistoryKind.Started:
                Array.Clear(_onDevice);
                break;
            default:
                break;
        }
    }

    private int DiskOf(in HistoryEvent operation) => map.DiskAt(operation.Domain, (int)(operation.Offset / SectorMedia.SectorBytes));
}
