export function canRefund(order) {
<<<<<<< HEAD
  return order.state === "paid";
=======
  return order.state !== "refunded";
>>>>>>> refunds
}
