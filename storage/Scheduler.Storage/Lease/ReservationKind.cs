namespace Scheduler.Storage.Lease;

/// <summary>Whose persistent reservations are used. The calls are the same; what is named in the configuration has to be what is there.</summary>
public enum ReservationKind
{
    /// <summary>SCSI's: disks of the kernel's sd driver, and device-mapper multipath over them.</summary>
    Scsi = 1,

    /// <summary>NVMe's: namespaces, and device-mapper multipath over them.</summary>
    Nvme = 2,
}
