using System.Runtime.InteropServices;
using Scheduler.Actors;
using Scheduler.Host.Api.Access;
using Scheduler.Host.Running;

namespace Scheduler.Host.Api;

/// <summary>The faults of a service: <c>GET /faults</c>, and <c>DELETE /faults/{volume}/{domain}</c> to clear one (F6).</summary>
internal static class FaultRoutes
{
    /// <summary>Adds the routes.</summary>
    /// <param name="api">Where to.</param>
    /// <param name="service">Whose faults.</param>
    public static void Map(IEndpointRouteBuilder api, Service service)
    {
        _ = api.MapGet("/faults", Task<IResult> (HttpContext context) => ListAsync(service, context.RequestAborted))
            .Describe("listFaults", "Failed syncs that fence flush domains").Produces<FaultList>().Refuses(503);
        _ = api.MapDelete(
            "/faults/{volume}/{domain:int}",
            (string volume, int domain, HttpContext context) => ClearAsync(service, volume, domain, context))
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

    private static async Task<IResult> ListAsync(Service service, CancellationToken cancellation)
    {
        IReadOnlyList<VolumeFault> faults = await service.FaultsAsync(cancellation);
        return Results.Json(
            new FaultList([.. faults.Select(fault => new FaultItem(fault.Volume, fault.Domain, fault.Errno, Marshal.GetPInvokeErrorMessage(fault.Errno), fault.Since))]),
            ApiJson.Default.FaultList);
    }

    // Waited for though the client may be gone: who has cleared a fault is in the log in any case.
    private static async Task<IResult> ClearAsync(Service service, string name, int domain, HttpContext context)
    {
        FaultClearing clearing = await service.ClearFaultAsync(name, domain, Caller.Of(context).Name);
        return clearing.Problem is null ? Results.NoContent()
            : Results.Problem(clearing.Problem, statusCode: clearing.IsThere ? StatusCodes.Status409Conflict : StatusCodes.Status404NotFound);
    }
}
