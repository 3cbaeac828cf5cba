namespace Scheduler.Storage.Lease;

/// <summary>What a device says to one of its reservation commands.</summary>
public enum ReservationAnswer
{
    /// <summary>It is done.</summary>
    Done = 0,

    /// <summary>Refused: this host is not registered with the key that was given, no host is with the other one, or a reservation
    /// is another host's.</summary>
    Conflict = 1,
}

/// <summary>
/// The reservation commands of one device, under one host's name: what a process registers is registered for its host, over all
/// paths of the device.
/// </summary>
public interface IReservationDevice : IDisposable
{
    /// <summary>Registers the host with a key, in place of the one it has, if any.</summary>
    /// <param name="key">The key; not 0.</param>
    /// <exception cref="ReservationException">The device can't, or it is unknown what it did.</exception>
    /// <returns>The answer.</returns>
    ReservationAnswer Register(ulong key);

    /// <summary>Reserves the device: only registered hosts write from now on. Done also if this host has it already.</summary>
    /// <param name="key">The host's key.</param>
    /// <exception cref="ReservationException">The device can't, or it is unknown what it did.</exception>
    /// <returns>The answer.</returns>
    ReservationAnswer Reserve(ulong key);

    /// <summary>
    /// Takes the registration of others away, and with it their reservation, which this host has then; and waits until what they
    /// have on the device has ended.
    /// </summary>
    /// <param name="key">The host's key.</param>
    /// <param name="other">The key of the others.</param>
    /// <exception cref="ReservationException">The device can't, or it is unknown what it did.</exception>
    /// <returns>The answer.</returns>
    ReservationAnswer Preempt(ulong key, ulong other);

    /// <summary>Aborts what all hosts have on the device, and waits until that has ended. Reservations stay.</summary>
    /// <exception cref="ReservationException">The device can't, or it is unknown what it did.</exception>
    /// <returns>Whether there is such a command for devices of this kind.</returns>
    bool AbortAll();
}

/// <summary>A device can't be reserved.</summary>
/// <param name="message">The device, what is wrong with it, and what helps: one line.</param>
public sealed class ReservationException(string message) : IOException(message);
