using System.Runtime.InteropServices;
using Scheduler.Actors;
using Scheduler.Host.Api.Access;
using Scheduler.Host.Running;

namespace Scheduler.Host.Api;

/// <summary>The faults of a service: <c>GET /faults</c>, and <c>DELETE /faults/{volume}/{domain}</c> to clear one (F6).</summary>
internal static partial class FaultRoutes
{
    /// <summary>Adds the routes.</summary>
    /// <param name="api">Where to.</param>
    /// <param name="service">Whose faults.</param>
    /// <param name="loggers">For the history of what was cleared.</param>
    public static void Map(IEndpointRouteBuilder api, Service service, ILoggerFactory loggers)
    {
        ILogger logger = loggers.CreateLogger(typeof(FaultRoutes).FullName!);
        _ = api.MapGet("/faults", () => Results.Json(new FaultList([.. service.Volumes.SelectMany(FaultsOf)]), ApiJson.Default.FaultList))
            .Describe("listFaults", "Failed syncs that fence flush domains").Produces<FaultList>();
        _ = api.MapDelete(
            "/faults/{volume}/{domain:int}",
            (string volume, int domain, HttpContext context) => ClearAsync(service, volume, domain, context, logger))
            .Describe("deleteFault", "Clears a fault").Produces(StatusCodes.Status204NoContent).Refuses(404, 409);
        _ = api.MapGet(
            "/faults/{volume}/history",
            (string volume, string? limit, string? to, HttpContext context) => ListHistoryAsync(service, volume, limit, to, context.RequestAborted))
            .Describe("listFaultHistory", "What happened to a volume's faults, and who cleared them, the newest first").Produces<FaultChangeList>().Refuses(400, 503);
    }

    private static async Task<IResult> ListHistoryAsync(Service service, string volume, string? limit, string? to, CancellationToken cancellation)
    {
        CatalogRoutes.CheckName(CatalogKind.Volume, volume);
        int count = Paging.Limit(limit);
        long newest = Paging.Number("to", to, 0, long.MaxValue, long.MaxValue);
        IReadOnlyList<(long Number, VolumeFaultEvent Happened)> events = newest == 0 ? [] : await service.FaultHistoryAsync(volume, newest, count, cancellation);
        long last = events.Count > 0 ? events[^1].Number : 1;
        return Results.Json(new FaultChangeList([.. events.Select(item => Show(item.Number, item.Happened))], last > 1 ? last - 1 : null), AdminJson.Default.FaultChangeList);
    }

    private static FaultChange Show(long number, VolumeFaultEvent happened) => happened switch
    {
        VolumeFaultRecorded recorded => new FaultChange(number, happened.Domain, FaultWord.Recorded, recorded.Errno, null, happened.At),
        VolumeFaultClearing clearing => new FaultChange(number, happened.Domain, FaultWord.Clearing, null, clearing.By, happened.At),
        VolumeFaultCleared cleared => new FaultChange(number, happened.Domain, FaultWord.Cleared, null, cleared.By, happened.At),
        _ => throw new ArgumentException($"{happened.GetType()} is nothing that happens to faults", nameof(happened)),
    };

    private static IEnumerable<FaultItem> FaultsOf(RunningVolume volume) =>
        from domain in Enumerable.Range(0, volume.Status.DomainCount)
        let error = volume.Status.Fault(domain)
        where error != 0
        select new FaultItem(volume.Settings.Name, domain, error, Marshal.GetPInvokeErrorMessage(error), volume.Faults.Since(domain));

    private static async Task<IResult> ClearAsync(Service service, string name, int domain, HttpContext context, ILogger logger)
    {
        RunningVolume? volume = service.Volumes.FirstOrDefault(volume => volume.Settings.Name == name);
        FaultItem? fault = volume is null ? null : FaultsOf(volume).FirstOrDefault(fault => fault.Domain == domain);
        if (fault is null)
        {
            string problem = volume is null ? $"there is no volume {name}" : $"volume {name} has no fault in domain {domain}";
            return Results.Problem(problem, statusCode: StatusCodes.Status404NotFound);
        }

        // Waited for though the client may be gone: who has cleared a fault is in the log in any case.
        string by = Caller.Of(context).Name;
        if (await volume!.ClearFaultAsync(domain, by) is { } refusal)
        {
            NotCleared(logger, name, domain, by, refusal);
            return Results.Problem(refusal, statusCode: StatusCodes.Status409Conflict);
        }

        Cleared(logger, name, domain, fault.Errno, fault.Since, by);
        return Results.NoContent();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume}: the fault of domain {Domain} (errno {Errno}, since {Since:O}) was cleared by {Client}")]
    private static partial void Cleared(ILogger logger, string volume, int domain, int errno, DateTimeOffset? since, string client);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Volume {Volume}: the fault of domain {Domain} was not cleared for {Client}: {Reason}")]
    private static partial void NotCleared(ILogger logger, string volume, int domain, string client, string reason);
}
